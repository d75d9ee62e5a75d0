import { describe, expect, test } from 'vitest'
import { valueTable } from '../../../../page/scatter/color/color-table.ts'
import { parseColor } from '../../../../page/scatter/color/css-color.ts'
import { scaleGradient } from '../../../../page/scatter/color/gradients.ts'
import { quantise, quantisedRange, servesRange, valueOfCode } from '../../../../page/scatter/color/value-codes.ts'
import type { DenseColumn, SparseColumn } from '../../../../protocol/column-frame.ts'
import { seeded } from '../seeded.ts'

function dense(values: readonly number[]): DenseColumn {
  const finite = values.filter(Number.isFinite)
  const [min, max] = finite.length > 0 ? [Math.min(...finite), Math.max(...finite)] : [null, null]
  return { kind: 'dense', values: Float32Array.from(values), min, max, missingCells: 0 }
}

const sparse: SparseColumn = {
  kind: 'sparse',
  n: 6,
  rows: Uint32Array.of(1, 4),
  values: Float32Array.of(0.001, 8),
  min: 0,
  max: 8,
  missingCells: 0,
}

test('codes follow the values; 0 alone is code 0, missing is 255, infinities take the ends', () => {
  const values = [0, 1e-9, 5, 10, -3, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 99]
  expect([...quantise(dense(values), values.length, [0, 10])]).toEqual([0, 1, 128, 254, 1, 255, 254, 1, 254])
})

test('a sparse gene gives every cell that is not stored the code of 0', () => {
  expect([...quantise(sparse, 6, [0, 8])]).toEqual([0, 1, 0, 0, 254, 0])
})

test('a range without width parts what is below from what is above', () => {
  expect([...quantise(dense([1, 2, 3]), 3, [2, 2])]).toEqual([1, 1, 254])
})

describe('another range', () => {
  const column = dense([0, 100])

  test('needs no new codes as long as enough of them fall into it', () => {
    const whole = quantisedRange(column, [0, 100])
    expect(whole).toEqual([0, 100])
    expect(servesRange(column, whole, [30, 80])).toBe(true)
    expect(servesRange(column, whole, [-50, 200])).toBe(true)
    expect(servesRange(column, whole, [0, 20])).toBe(false)
  })

  test('that is narrow gets codes of its own, which do not serve a wider one', () => {
    const narrow = quantisedRange(column, [0, 2])
    expect(narrow).toEqual([0, 2])
    expect(servesRange(column, narrow, [0, 3])).toBe(false)
    expect(servesRange(column, narrow, [0.5, 2])).toBe(true)
  })
})

test('through codes and table every value has the colour that the scale has for it', () => {
  const random = seeded(11)
  const values = Array.from({ length: 2000 }, () => random() * 50 - 10)
  const column = dense(values)
  for (const range of [
    [-10, 40],
    [5, 25],
    [0, 60],
  ] as const) {
    const quantised = quantisedRange(column, range)
    const codes = quantise(column, values.length, quantised)
    const { entries } = valueTable(
      { kind: 'values', column, cellCount: 2000, scale: 'viridis', range },
      quantised,
      [0, 0, 0, 0],
    )
    let lastRank = -1
    for (const i of values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)) {
      const entry = entries.subarray(codes[i]! * 4, codes[i]! * 4 + 4)
      const t = Math.min(1, Math.max(0, (values[i]! - range[0]) / (range[1] - range[0])))
      const expected = onScale(t)
      const errors = expected.map((part, channel) => Math.abs(entry[channel]! - part))
      expect(Math.max(...errors)).toBeLessThan(6)
      expect(entry[3]).toBeGreaterThanOrEqual(lastRank)
      lastRank = entry[3]!
    }
  }
})

test('the middle of a code is within half a step of what it stands for', () => {
  for (let value = 0.1; value < 7; value += 0.137) {
    const [code = 0] = quantise(dense([value]), 1, [0, 7])
    expect(Math.abs(valueOfCode(code, [0, 7]) - value)).toBeLessThanOrEqual(7 / 253 / 2 + 1e-6)
  }
})

function onScale(t: number): number[] {
  const stops = scaleGradient('viridis').map((color) => parseColor(color)!)
  const at = t * (stops.length - 1)
  const [low, high] = [stops[Math.floor(at)]!, stops[Math.ceil(at)]!]
  return [0, 1, 2].map((i) => low[i]! + (high[i]! - low[i]!) * (at % 1))
}
