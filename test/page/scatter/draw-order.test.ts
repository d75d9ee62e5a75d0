import { describe, expect, test } from 'vitest'
import { DrawOrder } from '../../../page/scatter/draw-order.ts'
import { randomPositions } from './seeded.ts'

/** The cell drawn at each place: its number dealt out as two-byte values, which is enough below 65,536. */
function cellsInOrder(count: number): Uint16Array {
  return Uint16Array.from(new DrawOrder(count).deal(Uint16Array.from({ length: count }, (_, cell) => cell)))
}

test.each([0, 1, 2, 250, 251, 252, 700, 60_000])(
  'of %i cells each is drawn once, in the same order every time',
  (count) => {
    const order = cellsInOrder(count)
    expect(order.toSorted()).toEqual(Uint16Array.from({ length: count }, (_, cell) => cell))
    expect(cellsInOrder(count)).toEqual(order)
  },
)

test.each([1, 2, 3])('positions and values of a cell meet at the same place, in %i dimensions', (dimensions) => {
  const positions = randomPositions(1000, dimensions, 3)
  const order = cellsInOrder(1000)
  const dealt = new DrawOrder(1000).dealPositions({ positions, dimensions, missingCells: 0 })
  order.forEach((cell, place) => {
    const there = dealt.subarray(place * dimensions, (place + 1) * dimensions)
    expect(there).toEqual(positions.subarray(cell * dimensions, (cell + 1) * dimensions))
  })
})

test('positions of two dimensions are dealt alike wherever they lie in memory', () => {
  const positions = randomPositions(1000, 2, 3)
  const moved = new Float32Array([0, ...positions]).subarray(1)
  const [dealt, other] = [positions, moved].map((each) =>
    new DrawOrder(1000).dealPositions({ positions: each, dimensions: 2, missingCells: 0 }),
  )
  expect(other).toEqual(dealt)
})

test('a cell with a missing coordinate is put far outside, finitely', () => {
  const positions = Float32Array.of(Number.NaN, 0, 0, Number.NEGATIVE_INFINITY, 0.5, 0.5)
  const dealt = new DrawOrder(3).dealPositions({ positions, dimensions: 2, missingCells: 2 })
  const rows = [0, 2, 4].map((at) => Math.max(...dealt.subarray(at, at + 2))).sort((a, b) => a - b)
  expect(rows).toEqual([0.5, 1e6, 1e6])
})

describe('the start of the order', () => {
  const count = 60_000
  const order = cellsInOrder(count)

  test('is a fair sample: each tenth of the cells has a tenth of it', () => {
    const size = new DrawOrder(count).sampleSize(6_000)
    expect(size).toBeGreaterThan(5_500)
    expect(size).toBeLessThanOrEqual(6_000)
    const tenths = new Array<number>(10).fill(0)
    for (const cell of order.subarray(0, size)) tenths[Math.floor((cell / count) * 10)]!++
    for (const share of tenths) expect(Math.abs(share - size / 10)).toBeLessThan(size / 200)
  })

  test('is all cells where no more than the wanted exist, and some where one round is more than wanted', () => {
    expect(new DrawOrder(700).sampleSize(500_000)).toBe(700)
    expect(new DrawOrder(0).sampleSize(500_000)).toBe(0)
    expect(new DrawOrder(count).sampleSize(1)).toBeGreaterThan(200)
  })
})

test('of two cells anywhere in the data either may be drawn last', () => {
  const order = cellsInOrder(50_000)
  const placeOf = new Uint16Array(50_000)
  order.forEach((cell, place) => {
    placeOf[cell] = place
  })
  // Neighbours, cells of nearby blocks, the two ends of the data: the later one lies on top in half of the cases.
  for (const distance of [1, 2, 250, 251, 502, 25_000]) {
    let later = 0
    for (let cell = 0; cell < 25_000; cell++) if (placeOf[cell + distance]! > placeOf[cell]!) later++
    expect(Math.abs(later / 25_000 - 0.5)).toBeLessThan(0.03)
  }
})
