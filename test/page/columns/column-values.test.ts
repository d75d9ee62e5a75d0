import { expect, test } from 'vitest'
import { axisOf } from '../../../page/columns/axis.ts'
import {
  denseValues,
  histogram,
  logColumn,
  meanColumn,
  percentiles,
  valueAt,
} from '../../../page/columns/column-values.ts'
import { toLog } from '../../../page/columns/log-scale.ts'

const dense = (values: number[]) => {
  return { kind: 'dense', values: Float32Array.from(values), min: 0, max: 0, missingCells: 0 } as const
}
const sparse = (n: number, rows: number[], values: number[]) => {
  return {
    kind: 'sparse',
    n,
    rows: Uint32Array.from(rows),
    values: Float32Array.from(values),
    min: 0,
    max: 0,
    missingCells: 0,
  } as const
}

test('a sparse column is 0 where nothing is stored, for one cell and for all', () => {
  const column = sparse(5, [1, 4], [2, 3])
  expect([0, 1, 2, 3, 4].map((cell) => valueAt(column, cell))).toEqual([0, 2, 0, 0, 3])
  expect(denseValues(column)).toEqual(Float32Array.of(0, 2, 0, 0, 3))
})

test('a histogram counts both ends, and neither missing nor infinite values nor those beyond', () => {
  const values = Float32Array.of(0, 0.5, 1, 2, Number.NaN, Number.POSITIVE_INFINITY, -1, 3)
  expect(histogram(values, axisOf([0, 2], false), 4)).toEqual(Uint32Array.of(1, 1, 1, 1))
  expect(histogram(values, axisOf([0, 2], false), 4, Uint32Array.of(3, 4))).toEqual(Uint32Array.of(0, 0, 0, 1))
})

test('percentiles leave out what is no number', () => {
  const column = dense([...Array.from({ length: 101 }, (_, i) => 100 - i), Number.NaN, Number.POSITIVE_INFINITY])
  expect(percentiles(column, [0, 0.01, 0.5, 1])).toEqual([0, 1, 50, 100])
  expect(percentiles(dense([Number.NaN]), [0.5])).toEqual([Number.NaN])
})

test('logarithms keep the order of values below 0, and 0 where it is', () => {
  expect([-3, -1, 0, 1, 3].map(toLog)).toEqual([-Math.log(4), -Math.log(2), 0, Math.log(2), Math.log(4)])
  expect(logColumn(sparse(3, [1], [Math.E - 1]))).toMatchObject({ kind: 'sparse', values: Float32Array.of(1) })
})

test('the mean of genes is missing where one of them is', () => {
  const mean = meanColumn([dense([1, 2, Number.NaN]), sparse(3, [0], [3])], 3)
  expect(mean).toEqual({ kind: 'dense', values: Float32Array.of(2, 1, Number.NaN), min: 1, max: 2, missingCells: 1 })
})
