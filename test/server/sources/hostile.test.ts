import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DataError, type DataSource } from '../../../data/data-source.ts'
import type { Column } from '../../../protocol/column-frame.ts'
import { X } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
/** What stands in the files that a hostile one points at. */
const SECRET = 1_234_567
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_hostile.py')
}, MADE_WITHIN_MS)

async function open(file: string): Promise<DataSource> {
  const spec = { kind: 'path', path: join(folder, file) } as const
  const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

/** The rest of the dataset is there: one column, one gene, the embedding. */
async function expectTheRest(source: DataSource, omitted: 'score' | 'cluster' | 'genes'): Promise<void> {
  await expect(source.embedding(null, 2, signal)).resolves.toMatchObject({ key: 'X_umap', missingCells: 0 })
  if (omitted !== 'score') await expect(source.obs('score', signal)).resolves.toMatchObject({ min: 0, max: 39 })
  if (omitted !== 'cluster')
    await expect(source.obs('cluster', signal)).resolves.toMatchObject({ categories: ['k0', 'k1', 'k2', 'k3'] })
  if (omitted !== 'genes') expect(stored(await source.gene('g1', X, signal)).length).toBeGreaterThan(0)
}

function stored(column: Column): number[] {
  return column.kind === 'codes' ? [] : [...column.values].filter((value) => value !== 0)
}

describe('a matrix that does not hold together is malformed, with the place, and the rest is there', () => {
  test.each([
    ['indptr_falls.csr', 'X/indptr falls to 0 at place 3'],
    ['indptr_falls.csc', 'X/indptr falls to 0 at place 3'],
    ['indptr_begins_late.csr', 'X/indptr falls to 1 at place 0'],
    ['indptr_begins_late.csc', 'X/indptr falls to 1 at place 0'],
    ['indptr_ends_early.csr', 'values are stored'],
    ['indptr_ends_early.csc', 'values are stored'],
    ['index_too_large.csr', 'X/indices names gene 10000, but there are 6 genes'],
    ['index_too_large.csc', 'X/indices names row 10000, but there are 40 cells'],
    ['index_negative.csr', 'X/indices names gene -1'],
    ['index_negative.csc', 'X/indices names row -1'],
    ['fewer_values_than_indices.csr', 'X/data has shape'],
    ['shape_attribute_lies.csr', 'X has shape (1099511627776, 6), but obs and var make (40, 6)'],
    ['indices_of_enormous_length.csr', '1099511627776 values are stored'],
    ['indices_of_enormous_length.csc', '1099511627776 values are stored'],
  ])('%s', async (file, words) => {
    const source = await open(`${file}.h5ad`)
    const reading = source.gene('g0', X, signal)
    await expect(reading).rejects.toMatchObject({ code: 'malformed' })
    await expect(reading).rejects.toThrow(words)
    await expectTheRest(source, 'genes')
  })
})

describe('a column that cannot be believed is refused when it is read, and the rest is there', () => {
  test.each([
    ['code_without_category', 'cluster', 'malformed', 'says 4 at row 7, but there are 4 categories'],
    ['code_below_minus_one', 'cluster', 'malformed', 'says -2 at row 7'],
    ['categories_of_enormous_length', 'cluster', 'unsupported', 'too many to colour by'],
    ['chunk_is_damaged', 'score', 'malformed', 'obs/score is damaged'],
    ['chunk_fails_its_checksum', 'score', 'malformed', 'obs/score is damaged'],
    ['chunk_is_too_large', 'score', 'too_large', 'chunks of 2,147,483,648 bytes'],
    [
      'chunk_is_too_large',
      'score',
      'too_large',
      /anndata\.read_h5ad\(".*chunk_is_too_large\.csr\.h5ad"\)\.write_h5ad\("smaller_chunks\.h5ad"\)/,
    ],
    ['large_chunk_is_short', 'score', 'malformed', 'A chunk of obs/score unpacks to 100 bytes, not 134217728'],
    ['large_chunk_is_damaged', 'score', 'malformed', 'A chunk of obs/score is damaged'],
    ['external_storage', 'score', 'malformed', 'obs/score is damaged or not readable'],
    ['chunk_inflates_without_end', 'score', 'malformed', 'obs/score is damaged'],
  ] as const)('%s', { timeout: 60_000 }, async (file, key, code, words) => {
    const source = await open(`${file}.csr.h5ad`)
    const reading = source.obs(key, signal)
    await expect(reading).rejects.toMatchObject({ code })
    await expect(reading).rejects.toThrow(words)
    await expectTheRest(source, key)
  })
})

describe('a column that can be seen to be wrong is listed with the reason, and the rest is there', () => {
  test.each([
    ['column_of_other_length', 'has shape (39) where a list of 40 values belongs'],
    ['column_of_enormous_length', 'has shape (1099511627776) where a list of 40 values belongs'],
    ['column_is_a_table', 'has shape (40, 3)'],
    ['column_is_a_group', 'is a group of arrays, not one value per row'],
    ['column_is_complex', 'it holds complex numbers; store their real part or their size'],
    ['column_is_records', 'is a group of arrays, not one value per row'],
    [
      'filter_is_missing',
      'compressed with HDF5 filter 32024 (SZ3), which this reader lacks. Write the file again with gzip',
    ],
    ['external_link', 'a link to another file, which is not followed'],
    ['external_link_behind_a_soft_one', 'a link to another file, which is not followed'],
    ['virtual_dataset', 'a virtual dataset, made of other files'],
    ['soft_links_in_a_loop', 'a link that leads back to itself'],
    ['dangling_link', 'lacks "score"'],
    ['hard_link_cycle', 'is a group of arrays, not one value per row'],
  ])('%s', async (file, words) => {
    const source = await open(`${file}.csr.h5ad`)
    const { obs } = await source.identity(signal)
    expect(obs.find(({ key }) => key === 'score')).toMatchObject({
      kind: 'unsupported',
      reason: expect.stringContaining(words),
    })
    await expect(source.obs('score', signal)).rejects.toMatchObject({ code: 'unsupported' })
    await expectTheRest(source, 'score')
  })

  test('an encoding of a later version says so', async () => {
    const source = await open('newer_encoding.csr.h5ad')
    await expect(source.obs('cluster', signal)).rejects.toThrow(
      'encoding "categorical" 0.9.0; this version reads 0.2.0',
    )
    await expectTheRest(source, 'cluster')
  })

  test('a table that lists columns twice, elsewhere or not at all shows the ones that are there', async () => {
    const source = await open('column_order_lies.csr.h5ad')
    const { obs } = await source.identity(signal)
    expect(obs.map(({ key, kind }) => [key, kind])).toEqual([
      ['cluster', 'categorical'],
      ['../X', 'unsupported'],
      ['__proto__', 'unsupported'],
      ['score', 'continuous'],
    ])
  })
})

test('a table that claims more cells than can be is refused before anything is read', async () => {
  await expect(open('index_of_enormous_length.csr.h5ad')).rejects.toMatchObject({ code: 'too_large' })
})

test('embeddings behind a link to another file leave nothing to draw, and the link is named', async () => {
  const opening = open('external_link_to_a_group.csr.h5ad')
  await expect(opening).rejects.toMatchObject({ code: 'unsupported' })
  await expect(opening).rejects.toThrow('"/obsm" is a link to another file')
})

test('entries out of order are sorted and double ones added up, as scipy does', async () => {
  const source = await open('disordered.csc.h5ad')
  expect(await source.gene('g0', X, signal)).toMatchObject({
    rows: Uint32Array.of(2, 9),
    values: Float32Array.of(2, 4),
  })
})

test('names are data: markup, a screenful and directions of writing are keys like any other', async () => {
  const source = await open('names_are_hostile.csr.h5ad')
  const { obs } = await source.identity(signal)
  expect(Math.max(...obs.map(({ key }) => key.length))).toBe(60_000)
  for (const key of ['<img src=x onerror=alert(1)>', 'a\u202egpj.exe', 'constructor']) {
    expect(await source.obs(key, signal)).toMatchObject({ max: 39 })
  }
})

test('nothing of another file reaches a reader, whichever way a file points at it', async () => {
  const pointing = [
    'external_link',
    'external_link_behind_a_soft_one',
    'external_storage',
    'virtual_dataset',
    'hard_link_cycle',
  ]
  expect(await readFile(join(folder, 'secret.bin'))).toHaveLength(320)
  for (const file of pointing) {
    const source = await open(`${file}.csr.h5ad`)
    const reads = [source.obs('score', signal), source.gene('g1', X, signal), source.embedding(null, 2, signal)]
    for (const outcome of await Promise.allSettled<unknown>(reads)) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(DataError)
      else expect(JSON.stringify(outcome.value)).not.toContain(String(SECRET))
    }
  }
})

test('a chunk that inflates to more than it says shows no byte too many', { timeout: 60_000 }, async () => {
  const source = await open('chunk_inflates_to_more.csr.h5ad')
  expect(await source.obs('score', signal)).toMatchObject({ values: new Float32Array(40) })
})
