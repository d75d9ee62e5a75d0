import { expect, test } from 'vitest'
import { medoids } from '../../page/medoids.ts'
import type { Embedding } from '../../protocol/column-frame.ts'

const embedding = (positions: number[]): Embedding => ({
  kind: 'embedding',
  key: 'X',
  dimensions: 2,
  positions: Float32Array.from(positions),
  center: [0, 0],
  scale: 1,
  missingCells: 0,
  yDown: false,
})
const codes = (values: number[], categories: string[]) => {
  return {
    kind: 'codes',
    codes: Uint8Array.from(values),
    categories,
    ordered: false,
    colors: null,
    missingCells: 0,
  } as const
}

test('a category stands at its cell nearest to the middle, not in the gap between', () => {
  const ring = embedding([-1, 0, 1, 0, 0, 0.5, 5, 5])
  expect(medoids(ring, codes([0, 0, 0, 1], ['a', 'b', 'none']))).toEqual(Int32Array.of(2, 3, -1))
})

test('cells without a position or a value count for nothing', () => {
  const some = embedding([Number.NaN, Number.NaN, 1, 1, 9, 9])
  expect(medoids(some, codes([0, 0, 255], ['a']))).toEqual(Int32Array.of(1))
})
