import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licence texts of every npm package that went into a bundle; their licences ask that the text travels along.
 * @param {string} root the repository's root
 * @param {Iterable<string>} inputs bundled files as esbuild's metafile names them, relative to `root`
 * @returns {string} one section a package, sorted by name
 * @throws {Error} when a package ships no licence text
 */
export function thirdPartyNotices(root, inputs) {
  return packageFolders(inputs)
    .map((folder) => notice(join(root, folder)))
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** @returns {string[]} the folders of the npm packages that these files are from, each once, sorted */
export function packageFolders(inputs) {
  return [...new Set([...inputs].map(packageFolder).filter((folder) => folder !== null))].sort()
}

/** @returns {string | null} the innermost package's folder, or null for a file of ours */
function packageFolder(input) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? null
}

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
  if (!file && !license)
    throw new Error(`${name} ${version} ships no licence text and names none; it cannot be bundled.`)
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${license}`
  return `${name} ${version}\n\n${text}\n`
}
