import type { Values } from '../../protocol/column-frame.ts'
import { integersOf } from '../values/value-type.ts'

/** Rows ascending and unique: entries out of order are legal, and double ones add up, as in scipy. */
export function canonical(rows: Uint32Array, values: Values): { rows: Uint32Array; values: Values } {
  let isAscending = true
  for (let i = 1; i < rows.length && isAscending; i++) isAscending = (rows[i] ?? 0) > (rows[i - 1] ?? 0)
  if (isAscending) return { rows, values }
  const order = Uint32Array.from(rows.keys()).sort((a, b) => (rows[a] ?? 0) - (rows[b] ?? 0) || a - b)
  const outRows = new Uint32Array(rows.length)
  const isFloat32 = values instanceof Float32Array
  const outValues = isFloat32 ? new Float32Array(rows.length) : new Float64Array(rows.length)
  let length = 0
  for (const from of order) {
    const row = rows[from] ?? 0
    const value = values[from] ?? 0
    if (length > 0 && outRows[length - 1] === row) outValues[length - 1] = (outValues[length - 1] ?? 0) + value
    else {
      outRows[length] = row
      outValues[length++] = value
    }
  }
  const sums = outValues.slice(0, length)
  const isWhole = values instanceof Int32Array || values instanceof Uint32Array
  return { rows: outRows.slice(0, length), values: isWhole && sums instanceof Float64Array ? integersOf(sums) : sums }
}
