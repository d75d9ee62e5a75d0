import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataSource } from '../../../data/data-source.ts'
import { categoryPalette } from '../../../protocol/category-palette.ts'
import { RAW, X } from '../../../protocol/matrix.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { type ExpectedData, expectedOf, filesOf, MADE_WITHIN_MS } from './anndata-files.ts'
import { startKernel } from './kernel-process.ts'
import { expectEmbedding, expectGenes, expectObs } from './same-values.ts'

const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
const refuse = () => Promise.reject(new Error('a file does not ask the kernel'))

type Case = { name: string; file: string; kind: 'h5ad' | 'kernel'; isBacked?: boolean }

const FILES = ['csr', 'csc', 'dense'].flatMap((form) => ['plain', 'gzip', 'lzf'].map((how) => `${form}-${how}`))
const CASES: Case[] = [
  ...FILES.map((file): Case => ({ name: `${file}.h5ad`, file, kind: 'h5ad' })),
  ...['csr-plain', 'csc-plain', 'dense-plain'].map(
    (file): Case => ({ name: `${file} in a kernel`, file, kind: 'kernel' }),
  ),
  ...['csr-plain', 'csc-gzip', 'dense-plain'].map(
    (file): Case => ({ name: `${file}, backed, in a kernel`, file, kind: 'kernel', isBacked: true }),
  ),
]

describe.each(CASES)('$name', ({ file, kind, isBacked = false }) => {
  let source: DataSource
  let expected: ExpectedData
  let stop: (() => void) | null = null
  let asked: string[] = []

  beforeAll(async () => {
    const folder = await filesOf('make_h5ad.py')
    expected = await expectedOf(folder, file)
    const path = join(folder, `${file}.h5ad`)
    if (kind === 'h5ad') source = await openSource({ kind: 'path', path }, NO_OPTIONS, refuse)
    else {
      const kernel = startKernel(path, isBacked)
      stop = kernel.stop
      asked = kernel.asked
      const spec = { kind: 'kernel', sourceId: 's' } as const
      source = await openSource(isBacked ? { ...spec, file: path } : spec, NO_OPTIONS, kernel.read)
    }
  }, MADE_WITHIN_MS)

  afterAll(async () => {
    await source.close()
    stop?.()
  })

  test('its identity names counts, embeddings in a person’s order, obs fields with kinds, and matrices', async () => {
    const identity = await source.identity(signal)
    expect(identity).toMatchObject({
      kind,
      nObs: expected.obsNames.length,
      nVar: expected.varNames.length,
      defaultEmbedding: 'X_umap_3d',
      defaultColor: null,
    })
    const layers = identity.matrices.flatMap(({ matrix }) => (matrix.in === 'layers' ? [matrix.layer] : []))
    expect(layers.toSorted()).toEqual(['X', 'counts', 'half', 'large', 'large_csc', 'large_csr', 'raw', 'scaled'])
    expect(identity.matrices.slice(0, 2)).toMatchObject([
      { matrix: X, genes: expected.varNames.length },
      { matrix: RAW, genes: expected.rawVarNames.length },
    ])
    expect(identity.defaultMatrix).toEqual(RAW)
    expect(identity.embeddings.map(({ key, dimensions }) => [key, dimensions])).toEqual([
      ['X_umap_3d', [3, 2]],
      ['X_umap', [2]],
      ['X_pca', [2, 3]],
      ['spatial', [2]],
      ['table', [1]],
      ['neighbours', [2, 3]],
    ])
    expect(identity.obs).toMatchObject(
      // That whole numbers travel as categories, to keep all their digits, is known when they are read.
      Object.entries(expected.obs).map(([key, { kind }]) => ({
        key,
        kind: key.endsWith('_hash') ? 'continuous' : KINDS[kind],
      })),
    )
  })

  test('every obs column is what anndata reads', () => expectObs(source, expected))

  test('missing values and the range leave NaN and infinities out', async () => {
    const values = expected.obs.score?.kind === 'dense' ? expected.obs.score.values : []
    const finite = values.filter((value) => typeof value === 'number')
    expect(await source.obs('score', signal)).toMatchObject({
      min: Math.min(...finite),
      max: Math.max(...finite),
      missingCells: 1,
    })
    expect(await source.obs('stage', signal)).toMatchObject({
      missingCells: (expected.obs.stage?.kind === 'codes' ? expected.obs.stage.labels : []).filter((l) => l === null)
        .length,
    })
  })

  test('colours of uns are hexadecimal, and a list that does not fit is left out with a note', async () => {
    expect(await source.obs('stage', signal)).toMatchObject({ colors: ['#ff0000', '#1f77b4', '#ffd700', '#808080'] })
    expect(await source.obs('batch', signal)).toMatchObject({ colors: categoryPalette(7) })
    expect((await source.identity(signal)).notes).toContainEqual(expect.stringContaining('batch_colors'))
  })

  test('every gene of X, the layers and raw is what anndata reads', () => expectGenes(source, expected))

  test.runIf(isBacked)('genes of X come from the file, without the kernel', async () => {
    await source.gene('GENE1', X, signal)
    await source.gene('GENE1', { in: 'layers', layer: 'scaled' }, signal)
    expect(asked.filter((question) => /"what":"var".*"in":"X"/.test(question))).toEqual([])
    expect(asked).toContainEqual(expect.stringContaining('"layer":"scaled"'))
  })

  test('an embedding is centred and scaled to its longest side, and a row with NaN or infinity is missing', async () => {
    expect(await source.embedding('X_umap', 2, signal)).toMatchObject({ missingCells: 2, dimensions: 2 })
    await expectEmbedding(source, 'X_umap', expected)
  })

  test('PCA gives its first columns, and spatial says that y goes down', async () => {
    const pca = await source.embedding('X_pca', 3, signal)
    const row = [...pca.positions.subarray(15, 18)].map((value, axis) => value * pca.scale + pca.center[axis]!)
    expect(row.map((value) => value.toFixed(4))).toEqual(
      expected.obsm.X_pca![5]!.slice(0, 3).map((value) => Number(value).toFixed(4)),
    )
    expect(await source.embedding('spatial', 2, signal)).toMatchObject({ key: 'spatial', yDown: true })
  })

  test('genes are found by exact name, then prefix, then part, and twins have keys of their own', async () => {
    const { total, genes } = await source.genes('gene1', 3, X, signal)
    expect(total).toBe(expected.varNames.filter((name) => name.startsWith('GENE1')).length)
    expect(genes.map(({ key }) => key)).toEqual(['GENE1', 'GENE10', 'GENE11'])
    expect((await source.genes('twin', 9, X, signal)).genes.map(({ label }) => label)).toEqual([
      'TWIN (1 of 2)',
      'TWIN (2 of 2)',
    ])
    await expect(source.gene('TWIN', X, signal)).rejects.toMatchObject({ code: 'ambiguous' })
  })

  test('cell names come by range, cut to what there is', async () => {
    const { obsNames } = expected
    expect(await source.cellNames({ start: 3, end: 6 }, signal)).toEqual(obsNames.slice(3, 6))
    expect(await source.cellNames({ start: obsNames.length - 1, end: 10_000 }, signal)).toEqual(obsNames.slice(-1))
  })

  test('a colour is an obs field, else a gene of the matrix that scanpy reads, else an error with near names', async () => {
    expect(await source.resolveColor('stage', null, signal)).toEqual({ axis: 'obs', key: 'stage' })
    const layer = { in: 'layers', layer: 'raw' } as const
    for (const matrix of [X, RAW, layer]) {
      expect(await source.resolveColor('GENE3', matrix, signal)).toEqual({ axis: 'var', key: 'GENE3', matrix })
    }
    expect(await source.resolveColor('GENE3', null, signal)).toEqual({ axis: 'var', key: 'GENE3', matrix: RAW })
    expect(await source.resolveColor('GENE30', null, signal)).toEqual({ axis: 'var', key: 'GENE30', matrix: RAW })
    for (const matrix of [X, layer]) {
      await expect(source.resolveColor('GENE30', matrix, signal)).rejects.toThrow('Only raw has it')
    }
    expect((await source.genes('GENE30', 9, X, signal)).genes).toEqual([
      { key: 'GENE30', label: 'GENE30', id: 'GENE30', matrix: RAW },
    ])
    await expect(source.resolveColor('stagee', null, signal)).rejects.toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('Near it: "stage"'),
    })
  })

  test('names that do not exist are refused, each with its own code', async () => {
    await expect(source.obs('nope', signal)).rejects.toMatchObject({ code: 'unknown_column' })
    await expect(source.gene('nope', X, signal)).rejects.toMatchObject({ code: 'unknown_column' })
    await expect(source.gene('GENE1', { in: 'layers', layer: 'nope' }, signal)).rejects.toMatchObject({
      code: 'unknown_layer',
    })
    await expect(source.embedding('nope', 2, signal)).rejects.toMatchObject({ code: 'unknown_embedding' })
    await expect(source.embedding('X_umap', 3, signal)).rejects.toMatchObject({ code: 'unknown_embedding' })
  })

  test('a read that was aborted before it began rejects with the reason', async () => {
    const reason = new Error('another colour')
    await expect(source.gene('GENE1', X, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

const KINDS = { dense: 'continuous', codes: 'categorical', identifier: 'identifier' }
