import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { resourceUsage } from 'node:process'
import { beforeAll, expect, test } from 'vitest'
import type { Column } from '../../../protocol/column-frame.ts'
import { DataError, type DataSource } from '../../../server/sources/data-source.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { type ExpectedData, expectedOf, filesOf } from './anndata-files.ts'
import { readable } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneIdColumn: null, layer: null }
const signal = new AbortController().signal
/** Layouts and mutations of each, as make_mutated.py has them. */
const MUTATIONS = 5 * 6
/** Of the process that opens file after file, in kilobytes. */
const MAX_RESIDENT_KB = 1_500_000
let folder = ''
let files: string[] = []

beforeAll(async () => {
  folder = await filesOf('make_mutated.py')
  files = (await readdir(folder)).filter((name) => name.endsWith('.h5ad'))
}, 300_000)

test(`of ${MUTATIONS} seeded mutations of h5ad layouts each column is refused with a code, or has the values that anndata reads`, async () => {
  expect(files).toHaveLength(MUTATIONS)
  const counts = { refused: 0, read: 0, compared: 0 }
  for (const file of files) {
    const name = file.slice(0, -'.h5ad'.length)
    const unreadable = await unreadableOf(name)
    const expected = existsSync(join(folder, `${name}.json`)) ? await expectedOf(folder, name) : null
    for (const [key, column] of await readAll(file)) {
      counts[column === null ? 'refused' : 'read']++
      if (unreadable.some((path) => path === key || path.startsWith(`${key}/`)))
        expect(column, `${file} ${key}`).toBeNull()
      const values = expected === null ? undefined : valuesOf(expected, key)
      if (column === null || values === undefined) continue
      counts.compared++
      expect(readable(column), `${file} ${key}`).toEqual(values)
    }
  }
  expect(counts.refused).toBeGreaterThan(10)
  expect(counts.compared).toBeGreaterThan(200)
  expect(resourceUsage().maxRSS).toBeLessThan(MAX_RESIDENT_KB)
}, 240_000)

/** Paths of arrays that HDF5 itself cannot read; whoever reads them all the same reads something else. */
async function unreadableOf(name: string): Promise<string[]> {
  const path = join(folder, `${name}.unreadable`)
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as string[]) : [] // our script's list
}

/** Every column that the file says it has; `null` for one that is refused, or whose file is. */
async function readAll(file: string): Promise<[key: string, Column | null][]> {
  const spec = { kind: 'path', path: join(folder, file) } as const
  const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked'))).catch(refusal)
  if (source === null) return [['file', null]]
  const { obs, layers } = (await source.identity(signal).catch(refusal)) ?? { obs: [], layers: [] }
  const found: [string, Column | null][] = []
  for (const { key } of obs) found.push([`obs/${key}`, await source.obs(key, signal).catch(refusal)])
  for (const layer of [null, ...layers]) found.push(...(await someGenes(source, layer)))
  await source.embedding(null, 2, signal).catch(refusal)
  await source.close()
  return found
}

async function someGenes(source: DataSource, layer: string | null): Promise<[string, Column | null][]> {
  const { genes } = (await source.genes('', 3, signal).catch(refusal)) ?? { genes: [] }
  const reads = genes.map(async ({ key }, index): Promise<[string, Column | null]> => {
    return [`${layer ?? 'X'}/${index}`, await source.gene(key, layer, signal).catch(refusal)]
  })
  return await Promise.all(reads)
}

/** What anndata made of the same; `undefined` where it has no such thing. */
function valuesOf({ obs, matrices }: ExpectedData, key: string): unknown {
  const [part = '', ...rest] = key.split('/')
  if (part === 'obs') return obs[rest.join('/')]
  const values = matrices[part]?.[Number(rest[0])]
  return values === undefined ? undefined : { kind: 'dense', values }
}

/** `null` for an error in words; any other is a bug. */
function refusal(error: unknown): null {
  expect(error).toBeInstanceOf(DataError)
  return null
}
