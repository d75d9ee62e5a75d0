import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openSource } from '../../../server/sources/open-source.ts'
import { expectedOf, filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { expectEmbedding, expectGenes, expectObs } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_legacy.py')
}, MADE_WITHIN_MS)

async function open(name: string) {
  const spec = { kind: 'path', path: join(folder, `${name}.h5ad`) } as const
  const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

describe('layouts of older versions read as today’s anndata reads them', () => {
  test.each(['06-csr', '06-csc', '06-dense', '07-csr', '07-csc', '07-dense'])('%s', async (name) => {
    const source = await open(name)
    const expected = await expectedOf(folder, name)
    await expectObs(source, expected)
    await expectGenes(source, expected)
    await expectEmbedding(source, 'X_umap', expected)
    expect(await source.cellNames({ start: 0, end: 50 }, signal)).toEqual(expected.obsNames)
  })

  test('tables of records keep their categories in uns, with colours beside them', async () => {
    const source = await open('06-csr')
    expect(await source.obs('louvain', signal)).toMatchObject({
      categories: ['T', 'B', 'NK'],
      colors: ['#ff0000', '#00ff00', '#0000ff'],
      missingCells: 6,
    })
    expect(await source.obs('only', signal)).toMatchObject({ categories: ['alone'] })
  })

  test('an order of categories is kept', async () => {
    expect(await (await open('07-csr')).obs('only', signal)).toMatchObject({ categories: ['alone'], ordered: true })
  })
})

describe('every compression and byte order that the library can be taught', () => {
  test.each(['zstd', 'blosc', 'blosc2', 'lz4', 'bitshuffle', 'bzip2', 'big-endian'])('%s', async (name) => {
    const source = await open(name)
    const expected = await expectedOf(folder, name)
    await expectObs(source, expected)
    await expectGenes(source, expected)
    await expectEmbedding(source, 'X_umap', expected)
  })

  test('texts that may be missing are categories with missing cells', async () => {
    expect(await (await open('zstd')).obs('maybe', signal)).toMatchObject({
      categories: ['t0', 't1', 't2', 't3'],
      missingCells: 9,
    })
  })
})
