import type { Column, DenseColumn, SparseColumn } from '../protocol/column-frame.ts'
import { inPieces } from './sources/value-range.ts'

/** Sparse costs 8 bytes a value that is not 0, dense 4 bytes a cell; below this share sparse also decodes faster. */
const SPARSE_BELOW = 0.4

/**
 * The smallest form that a column may travel in: sparse below 40 % values that are not 0, else dense; codes stay.
 * NaN counts as a value. The column is returned as it is where it already has that form.
 */
export function chooseEncoding(column: Column): Column {
  switch (column.kind) {
    case 'codes':
      return column
    case 'sparse':
      return column.rows.length < column.n * SPARSE_BELOW ? column : toDense(column)
    case 'dense': {
      const most = column.values.length * SPARSE_BELOW
      const stored = countNonZero(column.values, most)
      return stored < most ? toSparse(column, stored) : column
    }
  }
}

/** Every value, also those that are 0. */
export function toDense(column: SparseColumn): DenseColumn {
  const { n, rows, values, min, max, missingCells } = column
  const dense = new Float32Array(n)
  for (let i = 0; i < rows.length; i++) dense[rows[i] ?? 0] = values[i] ?? 0
  return { kind: 'dense', values: dense, min, max, missingCells }
}

function toSparse(column: DenseColumn, stored: number): SparseColumn {
  const { values: dense, min, max, missingCells } = column
  const rows = new Uint32Array(stored)
  const values = new Float32Array(stored)
  let at = 0
  for (let row = 0; row < dense.length; row++) {
    const value = dense[row] ?? 0
    if (value === 0) continue
    rows[at] = row
    values[at++] = value
  }
  return { kind: 'sparse', n: dense.length, rows, values, min, max, missingCells }
}

/** As far as it matters: no further than to `most`. */
function countNonZero(values: Float32Array, most: number): number {
  let stored = 0
  inPieces(values.length, 1, (start, end) => {
    if (stored < most) stored += countPart(values, start, end)
  })
  return stored
}

function countPart(values: Float32Array, start: number, end: number): number {
  let stored = 0
  for (let i = start; i < end; i++) if (values[i] !== 0) stored++
  return stored
}
