import type { Column, DenseColumn, SparseColumn, Values } from '../../protocol/column-frame.ts'
import type { Axis } from './axis.ts'
import { toLog } from './log-scale.ts'

export type ValueColumn = DenseColumn | SparseColumn

/** Percentiles are taken from at most so many cells, evenly spread: enough for a scale's ends, and no wait. */
const SAMPLE_CELLS = 100_000

/** One value of a column; NaN is missing. */
export function valueAt(column: ValueColumn, cell: number): number {
  return column.kind === 'dense' ? (column.values[cell] ?? Number.NaN) : sparseValue(column, cell)
}

/** Rows are ascending, so halving finds the cell; one that is not stored is 0. */
function sparseValue({ rows, values }: SparseColumn, cell: number): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle] ?? 0) < cell) low = middle + 1
    else high = middle
  }
  return rows[low] === cell ? (values[low] ?? 0) : 0
}

/** All values, shape (cellCount,); of a dense column its own array, not to be changed. */
export function denseValues(column: ValueColumn): Values {
  if (column.kind === 'dense') return column.values
  const { n, rows, values: stored } = column
  const values = emptyLike(stored, n)
  for (let i = 0; i < rows.length; i++) values[rows[i] ?? n] = stored[i] ?? 0
  return values
}

/**
 * How many cells have a value in each of `bins` equal parts of the axis; cells beyond are in none.
 * @param cells only these; all where left out
 */
export function histogram(values: Values, axis: Axis, bins: number, cells: Uint32Array | null = null): Uint32Array {
  const counts = new Uint32Array(bins)
  const { length } = cells ?? values
  for (let i = 0; i < length; i++) {
    const place = axis.place(values[cells === null ? i : (cells[i] ?? -1)] ?? Number.NaN)
    if (!(place >= 0 && place <= 1)) continue
    const bin = Math.min(bins - 1, Math.floor(place * bins))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return counts
}

/** The values below which these shares of the cells lie, each from 0 to 1; missing and infinite ones left out. */
export function percentiles(column: ValueColumn, shares: readonly number[]): number[] {
  const values = denseValues(column)
  const step = Math.max(1, Math.floor(values.length / SAMPLE_CELLS))
  const sample = new Float64Array(Math.ceil(values.length / step))
  let filled = 0
  for (let cell = 0; cell < values.length; cell += step) {
    const value = values[cell] ?? Number.NaN
    if (Number.isFinite(value)) sample[filled++] = value
  }
  const sorted = sample.subarray(0, filled).sort()
  return shares.map((share) => sorted[Math.round(share * (filled - 1))] ?? Number.NaN)
}

/** A column of logarithms; a sparse one stays sparse. */
export function logColumn(column: ValueColumn): ValueColumn {
  const ends = {
    min: column.min === null ? null : toLog(column.min),
    max: column.max === null ? null : toLog(column.max),
  }
  const { values } = column
  const logs = values instanceof Float32Array ? values.map(toLog) : Float64Array.from(values, toLog)
  return { ...column, ...ends, values: logs }
}

/** The mean of several genes for each cell; missing where one is. @param columns at least one, of the same cells */
export function meanColumn(columns: readonly ValueColumn[], cellCount: number): DenseColumn {
  const isNarrow = columns.every((column) => column.values instanceof Float32Array)
  const values = isNarrow ? new Float32Array(cellCount) : new Float64Array(cellCount)
  for (const column of columns) {
    denseValues(column).forEach((value, cell) => {
      values[cell] = (values[cell] ?? 0) + value / columns.length
    })
  }
  return denseColumn(values)
}

function denseColumn(values: Values): DenseColumn {
  let [min, max, missingCells] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const value of values) {
    if (Number.isNaN(value)) missingCells++
    if (Number.isFinite(value)) {
      if (value < min) min = value
      if (value > max) max = value
    }
  }
  const isEmpty = min > max
  return { kind: 'dense', values, min: isEmpty ? null : min, max: isEmpty ? null : max, missingCells }
}

/** So many zeros of the same type. */
function emptyLike(values: Values, length: number): Values {
  if (values instanceof Float32Array) return new Float32Array(length)
  if (values instanceof Float64Array) return new Float64Array(length)
  return values instanceof Int32Array ? new Int32Array(length) : new Uint32Array(length)
}

export function isValueColumn(column: Column): column is ValueColumn {
  return column.kind !== 'codes'
}
