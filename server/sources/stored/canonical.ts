/** Rows ascending and unique: entries out of order are legal, and double ones add up, as in scipy. */
export function canonical(rows: Uint32Array, values: Float32Array): { rows: Uint32Array; values: Float32Array } {
  let isAscending = true
  for (let i = 1; i < rows.length && isAscending; i++) isAscending = (rows[i] ?? 0) > (rows[i - 1] ?? 0)
  if (isAscending) return { rows, values }
  const order = Uint32Array.from(rows.keys()).sort((a, b) => (rows[a] ?? 0) - (rows[b] ?? 0) || a - b)
  const outRows = new Uint32Array(rows.length)
  const outValues = new Float32Array(rows.length)
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
  return { rows: outRows.slice(0, length), values: outValues.slice(0, length) }
}
