// Runs on the machine's own Node before any package is installed: no dependencies, no TypeScript.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FILE = 'node_modules/.stamps/build.json'

/**
 * Whether the bundles were made from the files as they are now: the build itself has written down which these were.
 * @param {string} root the repository's root
 */
export function isBuildCurrent(root) {
  const path = join(root, FILE)
  if (!existsSync(path)) return false
  const { inputs, hash } = JSON.parse(readFileSync(path, 'utf8'))
  return hashOf(root, inputs) === hash
}

/**
 * @param {string} root
 * @param {Iterable<string>} inputs every file that decides what is in a bundle, relative to the root
 */
export function writeBuildStamp(root, inputs) {
  const path = join(root, FILE)
  const sorted = [...new Set(inputs)].sort()
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify({ inputs: sorted, hash: hashOf(root, sorted) }))
}

/** A build that fails must be tried again. */
export function removeBuildStamp(root) {
  rmSync(join(root, FILE), { force: true })
}

/** A file that is gone counts as another content. */
function hashOf(root, inputs) {
  const hash = createHash('sha256')
  for (const input of inputs) {
    const path = join(root, input)
    hash.update(`${input}\0`).update(existsSync(path) ? readFileSync(path) : 'missing')
  }
  return hash.digest('hex')
}
