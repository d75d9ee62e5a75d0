import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { X } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { expectedOf, filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { expectEmbedding, expectGenes, expectObs } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
/** As make_random.py has them. */
const SEEDS = [1, 2, 3, 4, 5, 6]
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_random.py')
}, MADE_WITHIN_MS)

describe.each(SEEDS)('random data of seed %i: every value of every column is what anndata reads', (seed) => {
  // Some stores are hundreds of small files, each of which is opened for every gene.
  test.each([`${seed}.h5ad`, `${seed}-v2.zarr`, `${seed}-v3.zarr`])('%s', { timeout: 90_000 }, async (name) => {
    const spec = { kind: 'path', path: join(folder, name) } as const
    const source = await openSource(spec, NO_OPTIONS, () => Promise.reject(new Error('not asked')))
    onTestFinished(() => source.close())
    const expected = await expectedOf(folder, String(seed))
    await expectObs(source, expected)
    await expectGenes(source, expected)
    await expectEmbedding(source, 'X_umap', expected)
    const { obsNames } = expected
    expect(await source.cellNames({ start: 0, end: obsNames.length }, signal)).toEqual(obsNames)
    const labels = (await source.genes('', expected.varNames.length, X, signal)).genes.map(({ id }) => id)
    expect(labels).toEqual(expected.varNames)
  })
})
