import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Folders that are made, or brought. */
const NOT_OURS = new Set(['node_modules', 'dist', '_static', '__pycache__'])
const FILES = filesBelow('')
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md')
/** What a user or an administrator writes is no file of ours. */
const OF_OTHERS = new Set(['jupyter_server_config.py'])

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8')

  test('names sources that are there', () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:tsx?|py))`/g)].map(([, name]) => name ?? '')
    const missing = named.filter((name) => !FILES.some((file) => file === name || file.endsWith(`/${name}`)))
    expect(missing.filter((name) => !OF_OTHERS.has(name))).toEqual([])
  })

  test('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link ?? '')
    const missing = links.filter((link) => {
      const path = normalize(join(document, '..', link)).replace(/\/$/, '')
      return !FILES.some((file) => file === path || file.startsWith(`${path}/`))
    })
    expect(missing).toEqual([])
  })
})

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name) || entry.name.startsWith('.')) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}
