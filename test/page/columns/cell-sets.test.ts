import { expect, test } from 'vitest'
import { cellsOfCode, combine, invert } from '../../../page/columns/cell-sets.ts'

/** Seeded, so that a failure is the same again: a linear congruential generator. */
function someCells(seed: number, cellCount: number): Uint32Array {
  let state = seed
  const cells: number[] = []
  for (let cell = 0; cell < cellCount; cell++) {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    if (state % 3 === 0) cells.push(cell)
  }
  return Uint32Array.from(cells)
}

test.each([1, 2, 3, 4])('sets of cells combine as sets do (seed %i)', (seed) => {
  const a = someCells(seed, 300)
  const b = someCells(seed + 100, 300)
  const [inA, inB] = [new Set(a), new Set(b)]
  const cells = Array.from({ length: 300 }, (_, cell) => cell)
  const those = (keep: (cell: number) => boolean) => Uint32Array.from(cells.filter(keep))
  expect(combine('replace', a, b)).toEqual(b)
  expect(combine('add', a, b)).toEqual(those((cell) => inA.has(cell) || inB.has(cell)))
  expect(combine('subtract', a, b)).toEqual(those((cell) => inA.has(cell) && !inB.has(cell)))
  expect(combine('intersect', a, b)).toEqual(those((cell) => inA.has(cell) && inB.has(cell)))
  expect(invert(a, 300)).toEqual(those((cell) => !inA.has(cell)))
})

test('empty sets are sets', () => {
  const [none, some] = [new Uint32Array(0), Uint32Array.of(1, 2)]
  expect(combine('add', none, some)).toEqual(some)
  expect(combine('subtract', some, none)).toEqual(some)
  expect(combine('intersect', some, none)).toEqual(none)
  expect(invert(none, 2)).toEqual(Uint32Array.of(0, 1))
})

test('the cells of a category are found', () => {
  expect(cellsOfCode(Uint8Array.of(1, 0, 1, 255), 1)).toEqual(Uint32Array.of(0, 2))
})
