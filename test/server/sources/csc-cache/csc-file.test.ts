import { appendFile, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { buildColumnBlocks } from '../../../../data/elements/column-blocks.ts'
import { ColumnStore, DATA_FILE, INDEX_FILE, writerOf } from '../../../../server/sources/csc-cache/csc-file.ts'
import {
  denseColumn,
  densified,
  GENES,
  partsOf,
  type Rows,
  rowsArbitrary,
  wideRowsArbitrary,
} from '../sparse-matrix.ts'

const turn = async () => undefined
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellucid-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

/** Build a store as the server does, in blocks of so many values. */
async function build(rows: Rows, blockValues: number): Promise<ColumnStore> {
  const { parts, pointers } = partsOf(rows, null)
  const file = await open(join(folder, DATA_FILE), 'w+')
  const store = new ColumnStore(file, GENES)
  const target = { write: writerOf(file.fd), blockValues }
  await buildColumnBlocks({ parts, pointers, columns: GENES }, target, { done: (block) => store.add(block), turn })
  await writeFile(join(folder, INDEX_FILE), store.encodeIndex())
  return store
}

async function columns(store: ColumnStore, n: number): Promise<number[][]> {
  const found = await Promise.all(Array.from({ length: GENES }, (_, gene) => store.column(gene)))
  return found.map(({ rows, values }) => densified({ form: 'sparse', n, rows, values }))
}

test('every gene of a store is what scipy has, for 60 seeded matrices in blocks of any size, and again when opened', async () => {
  await fc.assert(
    fc.asyncProperty(rowsArbitrary, fc.integer({ min: 1, max: 20 }), async (rows, blockValues) => {
      const expected = Array.from({ length: GENES }, (_, gene) => denseColumn(rows, gene))
      const store = await build(rows, blockValues)
      expect(await columns(store, rows.length)).toEqual(expected)
      await store.close()
      const again = await ColumnStore.open(folder, rows.length, GENES)
      expect(again).not.toBeNull()
      expect(await columns(again!, rows.length)).toEqual(expected)
      await again!.close()
    }),
    { numRuns: 60, seed: 3 },
  )
})

test('numbers that float32 cannot hold keep their digits, also where only some blocks have them', async () => {
  await fc.assert(
    fc.asyncProperty(wideRowsArbitrary, fc.integer({ min: 1, max: 20 }), async (rows, blockValues) => {
      const store = await build(rows, blockValues)
      expect(await columns(store, rows.length)).toEqual(
        Array.from({ length: GENES }, (_, gene) => denseColumn(rows, gene)),
      )
      await store.close()
    }),
    { numRuns: 60, seed: 3 },
  )
})

const ROWS: Rows = Array.from({ length: 20 }, (_, i) => [[i % GENES, i + 1] as const, [(i + 1) % GENES, 1] as const])

test('a store that is growing gives the rows that it has', async () => {
  const { parts, pointers } = partsOf(ROWS, null)
  const file = await open(join(folder, DATA_FILE), 'w+')
  onTestFinished(() => file.close())
  const store = new ColumnStore(file, GENES)
  const seen: number[][] = []
  const blocks: Promise<void>[] = []
  const target = { write: writerOf(file.fd), blockValues: 12 }
  await buildColumnBlocks({ parts, pointers, columns: GENES }, target, {
    done: (block) => {
      store.add(block)
      blocks.push(store.column(2).then(({ rows, endRow }) => void seen.push([endRow, ...rows])))
    },
    turn,
  })
  await Promise.all(blocks)
  const rowsOfGene = ROWS.flatMap((row, i) => (row.some(([gene]) => gene === 2) ? [i] : []))
  expect(seen).toEqual([6, 12, 18, 20].map((endRow) => [endRow, ...rowsOfGene.filter((row) => row < endRow)]))
})

describe('a store that is not what it was is not opened', () => {
  test.each<[string, () => Promise<void>]>([
    ['its data were cut', () => truncate(join(folder, DATA_FILE), 100)],
    ['its data grew', () => appendFile(join(folder, DATA_FILE), 'x')],
    ['its index was cut', () => truncate(join(folder, INDEX_FILE), 200)],
    ['its index is text', () => writeFile(join(folder, INDEX_FILE), 'nonsense')],
    ['its pointers changed', () => flip(join(folder, INDEX_FILE), -9)],
    ['its head changed', () => flip(join(folder, INDEX_FILE), 12)],
  ])('%s', async (_, spoil) => {
    await (await build(ROWS, 12)).close()
    await spoil()
    expect(await ColumnStore.open(folder, ROWS.length, GENES)).toBeNull()
  })

  test('it is of another matrix', async () => {
    await (await build(ROWS, 12)).close()
    expect(await ColumnStore.open(folder, ROWS.length + 1, GENES)).toBeNull()
    expect(await ColumnStore.open(folder, ROWS.length, GENES + 1)).toBeNull()
  })
})

test('rows that somebody wrote over are noticed when they are read', async () => {
  const store = await build(ROWS, 12)
  onTestFinished(() => store.close())
  await flip(join(folder, DATA_FILE), 3)
  await expect(store.column(0)).rejects.toThrow('rows that it should not')
})

/** Turn all bits of one byte around; negative places count from the end. */
async function flip(path: string, place: number): Promise<void> {
  const bytes = await readFile(path)
  const at = place < 0 ? bytes.length + place : place
  bytes[at] = bytes[at]! ^ 0xff
  await writeFile(path, bytes)
}
