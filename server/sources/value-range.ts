/** What a legend needs of one value per cell. NaN is missing; infinities are values, but no ends of a scale. */
export type ValueRange = { min: number | null; max: number | null; missingCells: number }

/**
 * @param values stored values, NaN is missing
 * @param hasZeros true where cells that are not stored are 0
 */
export function valueRange(values: Float32Array, hasZeros = false): ValueRange {
  return finiteRange(values, hasZeros) ?? anyRange(values, hasZeros)
}

/** Where all values are finite, without a question for each; `null` where one is not, and for no values. */
function finiteRange(values: Float32Array, hasZeros: boolean): ValueRange | null {
  let min = hasZeros ? 0 : Number.POSITIVE_INFINITY
  let max = hasZeros ? 0 : Number.NEGATIVE_INFINITY
  // A NaN stays in either of them, and an infinity in one.
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return Number.isFinite(min) && Number.isFinite(max) ? { min, max, missingCells: 0 } : null
}

function anyRange(values: Float32Array, hasZeros: boolean): ValueRange {
  let min = hasZeros ? 0 : Number.POSITIVE_INFINITY
  let max = hasZeros ? 0 : Number.NEGATIVE_INFINITY
  let missingCells = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (Number.isNaN(value)) missingCells++
    else if (value < min && value !== Number.NEGATIVE_INFINITY) min = value
    if (value > max && value !== Number.POSITIVE_INFINITY) max = value
  }
  // +Infinity passes `value < min` never, -Infinity `value > max` never; nothing finite leaves both ends open.
  return Number.isFinite(min) && Number.isFinite(max)
    ? { min, max, missingCells }
    : { min: null, max: null, missingCells }
}

/** Cells without a category: the largest code of the type. */
export function countMissingCodes(codes: Uint8Array | Uint16Array): number {
  const missing = codes instanceof Uint8Array ? 255 : 65_535
  let count = 0
  for (let i = 0; i < codes.length; i++) if (codes[i] === missing) count++
  return count
}
