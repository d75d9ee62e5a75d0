import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { DataError, type DataSource } from '../../../data/data-source.ts'
import type { Column } from '../../../protocol/column-frame.ts'
import { type Matrix, matrixKey } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { type ExpectedData, expectedOf } from './anndata-files.ts'
import { readable } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal

export type MutationCounts = {
  files: number
  /** Columns. */
  refused: number
  read: number
  compared: number
  /** The file that took longest, from opening to its last column. */
  slowestMs: number
}

/** Read every column of the files that make_mutated.py wrote: each is refused in words, or is what anndata reads. */
export async function readMutations(folder: string): Promise<MutationCounts> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.h5ad'))
  const counts: MutationCounts = { files: files.length, refused: 0, read: 0, compared: 0, slowestMs: 0 }
  for (const file of files) {
    const startMs = performance.now()
    const columns = await readAll(join(folder, file))
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startMs)
    const name = file.slice(0, -'.h5ad'.length)
    const unreadable = await unreadableOf(folder, name)
    const expected = existsSync(join(folder, `${name}.json`)) ? await expectedOf(folder, name) : null
    for (const [key, column] of columns) {
      counts[column === null ? 'refused' : 'read']++
      if (column !== null && unreadable.some((path) => path === key || path.startsWith(`${key}/`))) {
        // Another version of HDF5 may pass over damage beside the values, never read others.
        expect(readable(column), `${file} ${key}`).toEqual(valuesOf(await wholeOf(folder, name), key))
      }
      const values = expected === null ? undefined : valuesOf(expected, key)
      if (column === null || values === undefined) continue
      counts.compared++
      expect(readable(column), `${file} ${key}`).toEqual(values)
    }
  }
  return counts
}

/** What anndata reads of the file that was changed. */
function wholeOf(folder: string, name: string): Promise<ExpectedData> {
  return expectedOf(folder, name.replace(/-\d+$/, ''))
}

/** Paths of arrays that h5py cannot read: whoever reads them all the same may read something else. */
async function unreadableOf(folder: string, name: string): Promise<string[]> {
  const path = join(folder, `${name}.unreadable`)
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as string[]) : [] // our script's list
}

/** Every column that the file says it has; `null` for one that is refused, or whose file is. */
async function readAll(path: string): Promise<[key: string, Column | null][]> {
  const spec = { kind: 'path', path } as const
  const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked'))).catch(refusal)
  if (source === null) return [['file', null]]
  const { obs, matrices } = (await source.identity(signal).catch(refusal)) ?? { obs: [], matrices: [] }
  const found: [string, Column | null][] = []
  for (const { key } of obs) found.push([`obs/${key}`, await source.obs(key, signal).catch(refusal)])
  for (const { matrix } of matrices) found.push(...(await someGenes(source, matrix)))
  await source.embedding(null, 2, signal).catch(refusal)
  await source.close()
  return found
}

async function someGenes(source: DataSource, matrix: Matrix): Promise<[string, Column | null][]> {
  const { genes } = (await source.genes('', 3, matrix, signal).catch(refusal)) ?? { genes: [] }
  const reads = genes.map(async ({ key }, index): Promise<[string, Column | null]> => {
    return [`${matrixKey(matrix)}/${index}`, await source.gene(key, matrix, signal).catch(refusal)]
  })
  return await Promise.all(reads)
}

/** What anndata made of the same; `undefined` where it has no such thing. */
function valuesOf({ obs, matrices }: ExpectedData, key: string): unknown {
  if (key.startsWith('obs/')) return obs[key.slice('obs/'.length)]
  const [, matrix = '', index] = /^(.*)\/(\d+)$/.exec(key) ?? []
  const values = matrices[matrix]?.[Number(index)]
  return values === undefined ? undefined : { kind: 'dense', values }
}

/** `null` for an error in words; any other is a bug. */
function refusal(error: unknown): null {
  expect(error).toBeInstanceOf(DataError)
  return null
}
