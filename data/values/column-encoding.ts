import type { Column, DenseColumn, SparseColumn, Values } from '../../protocol/column-frame.ts'
import { inPieces } from '../value-range.ts'
import { emptyLike } from './value-type.ts'

/** Bytes of a row in a sparse column. */
const ROW_BYTES = 4
/** Below this share of the bytes of the dense form sparse also decodes faster. */
const SPARSE_BELOW = 0.8

/**
 * The smallest form that a column may travel in: sparse below 40 % float32 values that are not 0, else dense; codes stay.
 * NaN counts as a value. The column is returned as it is where it already has that form.
 */
export function chooseEncoding(column: Column): Column {
  switch (column.kind) {
    case 'codes':
      return column
    case 'sparse':
      return column.rows.length < mostStored(column.values, column.n) ? column : toDense(column)
    case 'dense': {
      const most = mostStored(column.values, column.values.length)
      const stored = countNonZero(column.values, most)
      return stored < most ? toSparse(column, stored) : column
    }
  }
}

/** So many values that are not 0 make the sparse form no smaller. */
function mostStored({ BYTES_PER_ELEMENT: bytes }: Values, cellCount: number): number {
  return (cellCount * bytes * SPARSE_BELOW) / (ROW_BYTES + bytes)
}

/** Every value, also those that are 0. */
export function toDense(column: SparseColumn): DenseColumn {
  const { kind: _, n, rows, values, ...head } = column
  const dense = emptyLike(values, n)
  for (let i = 0; i < rows.length; i++) dense[rows[i] ?? 0] = values[i] ?? 0
  return { kind: 'dense', values: dense, ...head }
}

function toSparse(column: DenseColumn, stored: number): SparseColumn {
  const { kind: _, values: dense, ...head } = column
  const rows = new Uint32Array(stored)
  const values = emptyLike(dense, stored)
  let at = 0
  for (let row = 0; row < dense.length; row++) {
    const value = dense[row] ?? 0
    if (value === 0) continue
    rows[at] = row
    values[at++] = value
  }
  return { kind: 'sparse', n: dense.length, rows, values, ...head }
}

/** As far as it matters: no further than to `most`. */
function countNonZero(values: Values, most: number): number {
  let stored = 0
  inPieces(values.length, 1, (start, end) => {
    if (stored < most) stored += countPart(values, start, end)
  })
  return stored
}

function countPart(values: Values, start: number, end: number): number {
  let stored = 0
  for (let i = start; i < end; i++) if (values[i] !== 0) stored++
  return stored
}
