import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openSource } from '../../../server/sources/open-source.ts'
import { expectedOf, filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { expectEmbedding, expectGenes, expectObs } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_elements.py')
}, MADE_WITHIN_MS)

async function open(file: string) {
  const spec = { kind: 'path', path: join(folder, file) } as const
  const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
  onTestFinished(() => source.close())
  return source
}

const WRITTEN = [
  'categorical_index',
  'repeated_categorical_index',
  'nullable_index',
  'column_named_as_the_index',
  'no_columns',
  'categories_of_all_kinds',
  'nullable_columns',
].flatMap((name) => [`${name}-h5ad.h5ad`, `${name}-zarr-2.zarr`, `${name}-zarr-3.zarr`])

const OTHERS = [
  'hard_names-h5ad.h5ad',
  'number_types.h5ad',
  'code_types.h5ad',
  'fixed_texts.h5ad',
  'whole_numbers_as_names.h5ad',
  'strange_07.h5ad',
  'seurat_disk.h5ad',
  'lists_like_categories.h5ad',
  'old.zarr',
  'fixed.zarr',
]

describe('tables, names and codes in every form that was ever written read as anndata reads them', () => {
  test.each([...WRITTEN, ...OTHERS])('%s', async (file) => {
    const source = await open(file)
    const expected = await expectedOf(folder, file)
    const { obs, nObs } = await source.identity(signal)
    const keys = obs.map(({ key }) => key)
    expect([...keys].sort()).toEqual(Object.keys(expected.obs).sort())
    await expectObs(source, expected)
    expect(await source.cellNames({ start: 0, end: nObs }, signal)).toEqual(expected.obsNames)
    expect(await source.cellNames({ start: 7, end: 9 }, signal)).toEqual(expected.obsNames.slice(7, 9))
    const { genes } = await source.genes('', 100, { in: 'X' }, signal)
    expect(genes.map(({ id }) => id)).toEqual(expected.varNames)
    await expectGenes(source, expected)
    if (expected.obsm.X_umap !== undefined) await expectEmbedding(source, 'X_umap', expected)
  })
})
