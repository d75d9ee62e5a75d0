import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { DataError } from '../../../../data/data-source.ts'
import { type Matrix, matrixKey, RAW, X } from '../../../../protocol/matrix.ts'
import { DATA_FILE } from '../../../../server/sources/csc-cache/csc-file.ts'
import { ColumnFolder } from '../../../../server/sources/csc-cache/csc-folder.ts'
import { GeneColumns } from '../../../../server/sources/files/gene-columns.ts'
import { StoredThread } from '../../../../server/sources/files/reader-thread.ts'
import { asExpected, type ExpectedData, expectedOf, filesOf, MADE_WITHIN_MS } from '../anndata-files.ts'
import { densified } from '../sparse-matrix.ts'

const signal = new AbortController().signal
let path = ''
let expected: ExpectedData
let root = ''

beforeAll(async () => {
  const files = await filesOf('make_h5ad.py')
  path = join(files, 'csr-gzip.h5ad')
  expected = await expectedOf(files, 'csr-gzip')
}, MADE_WITHIN_MS)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(root, { recursive: true }))
})

async function startThread(): Promise<StoredThread> {
  const thread = new StoredThread()
  await thread.open({ format: 'h5ad', path }, signal)
  return thread
}

async function openColumns(folder: ColumnFolder | null, version = 'v1'): Promise<GeneColumns> {
  const thread = await startThread()
  const columns = new GeneColumns({ thread, startThread, folder, version, minStored: 1 })
  onTestFinished(async () => {
    await columns.end(new DataError('closed', 'The test is over.'))
    await thread.end(new DataError('closed', 'The test is over.'))
  })
  return columns
}

async function untilSorted(columns: GeneColumns): Promise<void> {
  await expect.poll(async () => (await columns.progress()).done).toBeNull()
}

async function expectGenes(columns: GeneColumns, matrix: Matrix): Promise<void> {
  for (const [index, values] of expected.matrices[matrixKey(matrix)]!.entries()) {
    const gene = await columns.gene(index, matrix, signal)
    expect(densified(gene).map(asExpected), `gene ${index}`).toEqual(values)
  }
}

describe('a matrix stored by rows', () => {
  test('answers before, while and after it is sorted with the same values', async () => {
    const columns = await openColumns(new ColumnFolder(root))
    await expectGenes(columns, X)
    await untilSorted(columns)
    expect((await columns.progress()).notes).toEqual([])
    expect(await readdir(root)).toHaveLength(1)
    await expectGenes(columns, X)
  })

  test('is sorted on its own, also a layer that is called as another place', async () => {
    const columns = await openColumns(new ColumnFolder(root))
    const places: Matrix[] = [X, RAW, { in: 'layers', layer: 'X' }]
    for (const matrix of places) await columns.gene(0, matrix, signal)
    await untilSorted(columns)
    expect(await readdir(root)).toHaveLength(3)
    for (const matrix of places) await expectGenes(columns, matrix)
  })

  test('is not sorted again by the next who opens the file, but is when the file is another', async () => {
    const first = await openColumns(new ColumnFolder(root))
    await first.gene(0, X, signal)
    await untilSorted(first)
    const [sorted] = await readdir(root)
    const second = await openColumns(new ColumnFolder(root))
    await expectGenes(second, X)
    expect(await readdir(root)).toEqual([sorted])
    const other = await openColumns(new ColumnFolder(root), 'v2')
    await other.gene(0, X, signal)
    await untilSorted(other)
    expect(await readdir(root)).toHaveLength(2)
  })

  test('is sorted again when what was kept is damaged, and answers meanwhile', async () => {
    const first = await openColumns(new ColumnFolder(root))
    await first.gene(0, X, signal)
    await untilSorted(first)
    const [sorted] = await readdir(root)
    await truncate(join(root, sorted!, DATA_FILE), 64)
    const second = await openColumns(new ColumnFolder(root))
    await expectGenes(second, X)
    await untilSorted(second)
    await expectGenes(second, X)
  })

  test('is scanned where there is no room, and says so', async () => {
    const columns = await openColumns(new ColumnFolder(root, 10))
    await expectGenes(columns, X)
    await untilSorted(columns)
    expect((await columns.progress()).notes).toEqual([expect.stringContaining('no room')])
    expect(await readdir(root)).toEqual([])
  })

  test('is scanned where nothing may be kept', async () => {
    const columns = await openColumns(null)
    await expectGenes(columns, X)
    expect(await columns.progress()).toEqual({ done: null, notes: [] })
  })

  test('leaves nothing when it is closed while it is being sorted', async () => {
    const columns = await openColumns(new ColumnFolder(root))
    await columns.gene(0, X, signal)
    await columns.end(new DataError('closed', 'The viewer was closed.'))
    await expect.poll(async () => (await readdir(root)).filter((name) => name.includes('.part-'))).toEqual([])
  })
})

test('a matrix stored by columns is read as it is', async () => {
  path = path.replace('csr-', 'csc-')
  const columns = await openColumns(new ColumnFolder(root))
  await expectGenes(columns, X)
  expect(await readdir(root)).toEqual([])
})
