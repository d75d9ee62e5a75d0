import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { openSource } from '../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
let folder = ''
/** For each file or folder what is said of it; `null` for what is shown. */
let table: Record<string, string[] | null> = {}

beforeAll(async () => {
  folder = await filesOf('make_foreign.py')
  // Written by the script in this form.
  table = JSON.parse(await readFile(join(folder, 'table.json'), 'utf8')) as typeof table
}, MADE_WITHIN_MS)

/** What is said when a path is opened, `null` when it is shown. */
async function said(path: string): Promise<string | null> {
  try {
    const spec = { kind: 'path', path } as const
    await (await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked')))).close()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

test('whatever is passed, what it is and the one line to type is said', { timeout: 120_000 }, async () => {
  expect(Object.keys(table).length).toBeGreaterThan(50)
  const wrong: string[] = []
  for (const [name, words] of Object.entries(table)) {
    const path = join(folder, name)
    const message = await said(path)
    const missing = words?.filter((word) => message?.includes(word.replace('PATH', path)) !== true) ?? []
    if (missing.length > 0 || (words === null) !== (message === null))
      wrong.push(`${name}: ${message} lacks ${missing}`)
  }
  expect(wrong).toEqual([])
})
