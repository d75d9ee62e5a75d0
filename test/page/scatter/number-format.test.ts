import { describe, expect, test } from 'vitest'
import { valueRange } from '../../../data/value-range.ts'
import { axisOf } from '../../../page/columns/axis.ts'
import { cellValue, infiniteCells, onlyValue } from '../../../page/columns/cell-value.ts'
import { histogram, logColumn } from '../../../page/columns/column-values.ts'
import { groupStats } from '../../../page/columns/group-stats.ts'
import { quantise } from '../../../page/scatter/color/value-codes.ts'
import { formatRange, formatValue } from '../../../page/scatter/number-format.ts'
import { wholeRange } from '../../../page/state/shown-coloring.ts'
import type { DenseColumn, Values } from '../../../protocol/column-frame.ts'

function columnOf(values: Values): DenseColumn {
  return { kind: 'dense', values, ...valueRange(values) }
}

test.each([
  [0, '0'],
  [-0, '0'],
  [1234, '1,234'],
  [70_000_059, '70,000,059'],
  [16_777_217, '16,777,217'],
  [-(2 ** 40) - 1, '-1,099,511,627,777'],
  [2 ** 53 - 1, '9,007,199,254,740,991'],
  [20_230_101, '20230101'],
  [20_230_100, '20230100'],
  [20_239_999, '20,239,999'],
  [0.123456, '0.1235'],
  [1e-5, '1.00e-5'],
  [1234567.8, '1.23e+6'],
  [1e300, '1.00e+300'],
  [1e-300, '1.00e-300'],
  [Number.NaN, 'missing'],
  [Number.POSITIVE_INFINITY, 'infinite'],
  [Number.NEGATIVE_INFINITY, 'minus infinite'],
])('the value %d reads %s', (value, text) => {
  expect(formatValue(value)).toBe(text)
})

test.each([
  [1000.0001, 1000.0009],
  [16_777_216.25, 16_777_217.5],
  [1, 1 + Number.EPSILON],
  [1e300, 1.0000001e300],
  [0.1, 0.10000001],
  [-1e-300, -0.999999e-300],
  [70_000_000, 70_000_059],
  [-1.7e308, 1.7e308],
])('the two ends of a scale from %d to %d never read alike', (low, high) => {
  const [lowText, highText] = formatRange([low, high])
  expect(lowText).not.toBe(highText)
  expect(Math.abs(Number(lowText.replaceAll(',', '')) - low)).toBeLessThanOrEqual((high / 2 - low / 2) / 4)
})

test('cells of a narrow column have as many digits as tell them apart', () => {
  const column = columnOf(Float64Array.from([1000.0001, 1000.0002, 1000.0009]))
  expect([0, 1, 2].map((cell) => cellValue(column, cell))).toEqual(['1000.0001', '1000.0002', '1000.0009'])
})

test('a column without finite values says what it holds', () => {
  expect(onlyValue(columnOf(Float32Array.of(Infinity, Infinity)))).toBe('All values are infinite.')
  expect(onlyValue(columnOf(Float32Array.of(Infinity, NaN, -Infinity)))).toBe(
    'All values are infinite or minus infinite.',
  )
  expect(onlyValue(columnOf(Float32Array.of(NaN, NaN)))).toBe('No cell has a value.')
  expect(onlyValue(columnOf(Int32Array.of(20_230_101, 20_230_101)))).toBe('All values are 20230101.')
  expect(infiniteCells(columnOf(Float64Array.of(Infinity, 1, NaN, -Infinity)))).toBe(2)
})

describe.each<[string, Values]>([
  ['the largest doubles', Float64Array.of(-1.7e308, 0.5, 1.7e308)],
  ['1e300', Float64Array.of(0.5, 1e300, 2e300)],
  ['1e-300', Float64Array.of(1e-300, 2e-300, 3e-300)],
  ['whole numbers beyond 2^24', Int32Array.of(16_777_216, 16_777_217, 16_777_218)],
  ['whole numbers beyond 2^31', Uint32Array.of(2 ** 32 - 3, 2 ** 32 - 2, 2 ** 32 - 1)],
])('of %s', (_, values) => {
  const column = columnOf(values)
  const axis = axisOf(wholeRange(column), false)

  test('each value has its place, from 0 to 1, and a colour of its own', () => {
    expect(axis.place(values[0]!)).toBe(0)
    expect(axis.place(values.at(-1)!)).toBe(1)
    expect([...histogram(values, axis, 3)].reduce((sum, count) => sum + count)).toBe(3)
    expect([...quantise(column, 3, wholeRange(column))].toSorted()).toEqual([
      ...new Set(quantise(column, 3, wholeRange(column))),
    ])
  })

  test('its logarithms keep their order', () => {
    const logs = logColumn(column)
    expect(logs.values[0]).toBeLessThan(logs.values[2]!)
    expect(axisOf(wholeRange(column), true).place(values[0]!)).toBe(0)
  })

  test('its groups have means', () => {
    const groups = { kind: 'codes', codes: Uint8Array.of(0, 0, 1), categories: ['a', 'b'] } as const
    const by = { ...groups, ordered: false, colors: ['#000', '#111'], missingCells: 0 }
    expect(groupStats(values, by, axis, 4).map(({ mean }) => mean)).toEqual([
      values[0]! / 2 + values[1]! / 2,
      values[2],
    ])
  })
})

test('a column of one large number has a scale that is not empty', () => {
  for (const only of [1e300, 2 ** 60, Number.MAX_VALUE, -Number.MAX_VALUE]) {
    const [low, high] = wholeRange(columnOf(Float64Array.of(only)))
    expect(high).toBeGreaterThan(low)
    expect(Number.isFinite(high)).toBe(true)
  }
})
