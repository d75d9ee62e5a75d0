import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { RAW, X } from '../../../protocol/matrix.ts'
import type { OpenOptions } from '../../../protocol/pipe.ts'
import { openSource } from '../../../server/sources/open-source.ts'
import { filesOf, MADE_WITHIN_MS } from './anndata-files.ts'

const COUNTS = { in: 'layers', layer: 'counts' } as const
const NO_OPTIONS: OpenOptions = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
const signal = new AbortController().signal
let folder = ''

beforeAll(async () => {
  folder = await filesOf('make_refused.py')
}, MADE_WITHIN_MS)

function refuseKernel() {
  return Promise.reject(new Error('a path does not ask the kernel'))
}

async function open(file: string, options: Partial<OpenOptions> = {}) {
  const source = await openSource(
    { kind: 'path', path: join(folder, file) },
    { ...NO_OPTIONS, ...options },
    refuseKernel,
  )
  onTestFinished(() => source.close())
  return source
}

describe('a file that cannot be shown is refused with what was found and what to do', () => {
  test.each([
    ['missing.h5ad', 'not_found', ['missing.h5ad', 'no such file', 'Check the path']],
    ['.', 'ambiguous', ['datasets: ', 'Pass the path of one of them, such as ']],
    ['empty.h5ad', 'malformed', ['is empty (0 bytes)', 'not an HDF5 file']],
    ['text.h5ad', 'malformed', ['is not an HDF5 file', 'write_h5ad']],
    ['truncated.h5ad', 'malformed', ['truncated', 'bytes']],
    ['not-anndata.h5', 'malformed', ['lacks "obs"', '"image"']],
    ['empty-obsm.h5ad', 'no_embedding', ['obsm is empty', 'sc.tl.umap(adata)']],
    ['wrong-rows.h5ad', 'no_embedding', ['"X_umap" (11 × 2)', 'does not fit the 12 cells']],
    ['filtered_feature_bc_matrix.h5', 'unsupported', ['from Cell Ranger', 'scanpy.read_10x_h5("/']],
    ['cells.loom', 'unsupported', ['a loom file', 'scanpy.read_loom("/']],
    ['no-cells.h5ad', 'no_cells', ['no cells']],
  ])('%s', async (file, code, words) => {
    const opening = open(file)
    await expect(opening).rejects.toMatchObject({ name: 'ProtocolError', code })
    for (const word of words) await expect(opening).rejects.toThrow(word)
  })
})

describe('an option that names what is not there is refused with the near names', () => {
  test.each([
    [{ embedding: 'X_umpa' }, 'unknown_embedding', ['embedding="X_umpa"', 'Near it: "X_umap"']],
    [{ color: 'leidn' }, 'unknown_column', ['"leidn" is neither', 'Near it: "leiden"']],
    [{ matrix: { in: 'layers', layer: 'count' } as const }, 'unknown_layer', ['layer="count"', 'Near it: "counts"']],
    [{ matrix: { in: 'layers', layer: 'raw' } as const }, 'unknown_layer', ['"counts"', 'use_raw=True']],
    [{ matrix: { in: 'layers', layer: 'X' } as const }, 'unknown_layer', ['leave layer out']],
    [{ matrix: RAW }, 'unsupported', ['use_raw=True needs raw']],
    [{ geneSymbols: 'symbols' }, 'unknown_column', ['gene_symbols="symbols"', '"gene_symbols"']],
    [{ color: 'SYM1' }, 'unknown_column', ['look like Ensembl ids', 'gene_symbols="gene_symbols"']],
  ])('%o', async (options, code, words) => {
    const opening = open('good.h5ad', options)
    await expect(opening).rejects.toMatchObject({ code })
    for (const word of words) await expect(opening).rejects.toThrow(word)
  })

  test('an embedding that does not fit the cells, asked for by name', async () => {
    const opening = open('wrong-rows.h5ad', { embedding: 'X_umap' })
    await expect(opening).rejects.toMatchObject({ code: 'malformed' })
    await expect(opening).rejects.toThrow('11 rows, but the dataset has 12 cells')
  })
})

describe('what was chosen when it was opened', () => {
  test('stands in the identity, and is the default of reads', async () => {
    const source = await open('good.h5ad', {
      name: 'mine',
      color: 'SYM3',
      geneSymbols: 'gene_symbols',
      matrix: COUNTS,
      embedding: 'umap',
    })
    expect(await source.identity(signal)).toMatchObject({
      name: 'mine',
      geneSymbols: 'gene_symbols',
      defaultMatrix: COUNTS,
      defaultEmbedding: 'X_umap',
      defaultColor: { axis: 'var', key: 'SYM3', matrix: COUNTS },
    })
    expect((await source.genes('sym3', 5, X, signal)).genes[0]).toEqual({
      key: 'SYM3',
      label: 'SYM3',
      id: 'ENSG00000000003',
    })
    expect(await source.gene('SYM3', X, signal)).toMatchObject({ kind: 'dense', min: 3, max: 58 })
  })

  test('names of which some are missing leave those genes their own', async () => {
    const source = await open('good.h5ad', { geneSymbols: 'names' })
    const { genes } = await source.genes('', 2, X, signal)
    expect(genes.map(({ label }) => label)).toEqual(['ENSG00000000000', 'N1'])
  })

  test('lists of different lengths in obsm are left out with a note', async () => {
    const source = await open('ragged.h5ad')
    const { embeddings, notes } = await source.identity(signal)
    expect(embeddings.map(({ key }) => key)).toEqual(['X_umap'])
    expect(notes).toEqual(['obsm "neighbours" is not drawn: its encoding "awkward-array" cannot be drawn.'])
  })

  test('a dataset without X opens, and its genes say which layers there are', async () => {
    const source = await open('no-x.h5ad')
    await expect(source.gene('ENSG00000000003', X, signal)).rejects.toThrow('no X')
    expect(await source.gene('ENSG00000000003', { in: 'layers', layer: 'counts' }, signal)).toMatchObject({ max: 58 })
  })
})

test('a path through a link opens the file behind it, under the name that was given', async () => {
  const here = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(here, { recursive: true }))
  await copyFile(join(folder, 'good.h5ad'), join(here, 'real.h5ad'))
  await symlink(join(here, 'real.h5ad'), join(here, 'link.h5ad'))
  const source = await openSource({ kind: 'path', path: join(here, 'link.h5ad') }, NO_OPTIONS, refuseKernel)
  onTestFinished(() => source.close())
  expect(await source.identity(signal)).toMatchObject({ name: 'link.h5ad', nObs: 12 })
})

test('a kernel is asked nothing when its dataset is opened', async () => {
  const source = await openSource({ kind: 'kernel', sourceId: 'a' }, NO_OPTIONS, refuseKernel)
  await expect(source.identity(signal)).rejects.toMatchObject({ code: 'malformed' })
})

test('a MuData that does not say which cells a modality has is read by their names', async () => {
  const signal = AbortSignal.timeout(20_000)
  const source = await open('several.h5mu')
  const { nObs, nVar, embeddings } = await source.identity(signal)
  const one = await open('good.h5ad')
  expect(nVar).toBe(2 * (await one.identity(signal)).nVar)
  expect(embeddings[0]?.key).toBe('X_umap')
  const { genes } = await source.genes('', 1, { in: 'X' }, signal)
  const [first] = genes
  const column = await source.gene(first?.key ?? '', { in: 'X' }, signal)
  expect(column.kind === 'sparse' ? column.n : column.kind === 'dense' && column.values.length).toBe(nObs)
})
