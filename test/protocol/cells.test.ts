import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CellsHead, checkCells, decodeCells, encodeCells } from '../../protocol/cells.ts'
import { fromHex, misaligned, readJson } from './fixtures.ts'

type Golden = {
  cases: { cells: number[]; head: CellsHead; body: string }[]
  broken: { why: string; head: CellsHead; body: string }[]
}
const golden = readJson<Golden>('cells')

test('sets of cells are written as Python writes them, and read back', () => {
  for (const { cells, head, body } of golden.cases) {
    expect(encodeCells(Uint32Array.from(cells), head.cellCount)).toEqual({ head, body: fromHex(body) })
    expect([...decodeCells(head, misaligned(fromHex(body)))]).toEqual(cells)
    checkCells(head, misaligned(fromHex(body)))
  }
})

test.each(golden.broken)('a set that is $why is refused', ({ head, body }) => {
  expect(() => decodeCells(head, fromHex(body))).toThrowError(/did not arrive whole/)
  expect(() => checkCells(head, fromHex(body))).toThrowError(/did not arrive whole/)
})

test('any set of cells survives, in the smaller of the two forms', () => {
  const sets = fc.integer({ min: 1, max: 400 }).chain((cellCount) =>
    fc.record({
      cellCount: fc.constant(cellCount),
      cells: fc.uniqueArray(fc.integer({ min: 0, max: cellCount - 1 })).map((cells) => cells.sort((a, b) => a - b)),
    }),
  )
  fc.assert(
    fc.property(sets, ({ cells, cellCount }) => {
      const { head, body } = encodeCells(Uint32Array.from(cells), cellCount)
      expect([...decodeCells(head, body)]).toEqual(cells)
      expect(body.length).toBe(Math.min(cells.length * 4, Math.ceil(cellCount / 8)))
    }),
    { seed: 5 },
  )
})
