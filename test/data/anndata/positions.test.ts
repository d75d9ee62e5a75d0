import { describe, expect, test } from 'vitest'
import { normalisePositions } from '../../../data/anndata/positions.ts'
import { emptyPositions } from '../../../data/values/value-type.ts'
import { randomPositions } from '../../page/scatter/seeded.ts'
import { readJson } from '../../protocol/fixtures.ts'

const { widths } = readJson<{ widths: Record<string, string> }>('embeddings')
const KINDS: Record<string, 'float' | 'int' | 'uint'> = { f: 'float', i: 'int', u: 'uint' }

describe('normalisePositions', () => {
  test('brings the longest side to [-1, 1] with one scale for all axes', () => {
    const { positions, center, scale, missingCells } = normalisePositions(Float32Array.of(0, 10, 8, 12, 4, 11), 2)
    expect({ center, scale, missingCells }).toEqual({ center: [4, 11], scale: 4, missingCells: 0 })
    expect([...positions]).toEqual([-1, -0.25, 1, 0.25, 0, 0])
  })

  test('a row with NaN or infinity is missing in all its coordinates and leaves the range alone', () => {
    const { positions, center, missingCells } = normalisePositions(
      Float32Array.of(0, 0, Number.NaN, 99, 5, Number.POSITIVE_INFINITY, 2, 2),
      2,
    )
    expect({ center, missingCells }).toEqual({ center: [1, 1], missingCells: 2 })
    expect([...positions]).toEqual([-1, -1, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 1, 1])
  })

  test.each([1, 2, 3])('the box is exactly that of the cells that have a position, in %i dimensions', (dimensions) => {
    for (const missing of [[], [Number.NaN], [Number.NEGATIVE_INFINITY]]) {
      const given = [...randomPositions(5_000, dimensions, 4).map((value) => value * 17.3 + 1.1), ...missing]
      const { positions, low, high } = normalisePositions(
        Float32Array.from({ length: Math.ceil(given.length / dimensions) * dimensions }, (_, i) => given[i] ?? 0),
        dimensions,
      )
      const axes = Array.from({ length: dimensions }, (_, axis) =>
        [...positions].filter((value, i) => i % dimensions === axis && !Number.isNaN(value)),
      )
      expect(low).toEqual(axes.map((values) => Math.min(...values)))
      expect(high).toEqual(axes.map((values) => Math.max(...values)))
    }
  })

  test.each([
    ['no cell', [], 2],
    ['one cell', [3, 4], 2],
    ['all cells on one spot', [3, 4, 3, 4], 2],
    ['no position at all', [Number.NaN, 1], 2],
  ])('%s has a scale of 1 and divides by no 0', (_, values, dimensions) => {
    const { scale, positions, low, high } = normalisePositions(Float32Array.from(values), dimensions)
    expect({ scale, low, high }).toEqual({ scale: 1, low: [0, 0], high: [0, 0] })
    expect([...positions].filter((value) => value !== 0 && !Number.isNaN(value))).toEqual([])
  })

  test('coordinates near the end of float32 do not overflow', () => {
    const { positions } = normalisePositions(Float32Array.of(-3e38, 0, 3e38, 1), 2)
    expect([positions[0], positions[2]]).toEqual([-1, 1])
  })

  test('what float32 would round is centred first', () => {
    const far = Float64Array.of(1e7 + 0.25, 1e300, 1e7 + 0.5, 1e300, 1e7 + 0.75, 1e300)
    const { positions, center, scale } = normalisePositions(far, 2)
    expect([...positions]).toEqual([-1, 0, 0, 0, 1, 0])
    expect({ center, scale }).toEqual({ center: [1e7 + 0.5, 1e300], scale: 0.25 })
  })
})

test.each(Object.entries(widths))('coordinates of type %s are read into %s', (type, width) => {
  const kind = KINDS[type[0] ?? ''] ?? 'float'
  const made = emptyPositions({ kind, bytes: Number(type.slice(1)) }, 2)
  expect(made.BYTES_PER_ELEMENT).toBe(Number(width.slice(1)))
})
