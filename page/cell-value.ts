import type { Column } from '../protocol/column-frame.ts'
import { formatValue } from './format.ts'

/** What the column says of one cell, from the values as read, never from a colour. */
export function cellValue(column: Column, cell: number): string {
  switch (column.kind) {
    case 'dense':
      return formatValue(column.values[cell] ?? Number.NaN)
    case 'sparse':
      return formatValue(sparseValue(column.rows, column.values, cell))
    case 'codes':
      return column.categories[column.codes[cell] ?? -1] ?? 'missing'
  }
}

/** Rows are ascending, so halving finds the cell; one that is not stored is 0. */
function sparseValue(rows: Uint32Array, values: Float32Array, cell: number): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle] ?? 0) < cell) low = middle + 1
    else high = middle
  }
  return rows[low] === cell ? (values[low] ?? 0) : 0
}
