import type { Values } from '../protocol/column-frame.ts'

/** What a legend needs of one value per cell. NaN is missing; infinities are values, but no ends of a scale. */
export type ValueRange = { min: number | null; max: number | null; missingCells: number }

/**
 * @param values stored values, NaN is missing
 * @param hasZeros true where cells that are not stored are 0
 */
export function valueRange(values: Values, hasZeros = false): ValueRange {
  return finiteRange(values, hasZeros) ?? anyRange(values, hasZeros)
}

/** Where all values are finite, without a question for each; `null` where one is not, and for no values. */
function finiteRange(values: Values, hasZeros: boolean): ValueRange | null {
  const ends = finiteEnds(values, 0, 1)
  if (ends === null) return null
  const { min, max } = ends
  return hasZeros ? { min: Math.min(min, 0), max: Math.max(max, 0), missingCells: 0 } : { min, max, missingCells: 0 }
}

/** The least and the largest of every `step`th value from `start`; `null` where one is not finite, and of none. */
export function finiteEnds(values: Values, start: number, step: number): { min: number; max: number } | null {
  const ends = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, zero: 0 }
  inPieces(values.length, step, (from, to) => widen(ends, values, { start: from + start, end: to, step }))
  return ends.zero === 0 && ends.min <= ends.max ? { min: ends.min, max: ends.max } : null
}

/** Values that are gone through at once. */
const PIECE = 1 << 14

/**
 * Go through many values piece by piece. Code that is called often is compiled, and code that runs long once is not: a
 * million values at once, as those of the first picture, would take ten times as long.
 */
export function inPieces(length: number, step: number, work: (start: number, end: number) => void): void {
  for (let start = 0; start < length; start += PIECE * step) work(start, Math.min(length, start + PIECE * step))
}

type Piece = { start: number; end: number; step: number }

function widen(ends: { min: number; max: number; zero: number }, values: Values, piece: Piece): void {
  let { min, max, zero } = ends
  for (let i = piece.start; i < piece.end; i += piece.step) {
    const value = values[i] ?? 0
    if (value < min) min = value
    if (value > max) max = value
    // 0 × a finite number is 0; 0 × NaN or an infinity is NaN, and stays.
    zero += 0 * value
  }
  ends.min = min
  ends.max = max
  ends.zero = zero
}

function anyRange(values: Values, hasZeros: boolean): ValueRange {
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
  inPieces(codes.length, 1, (start, end) => {
    count += countOf(codes, missing, { start, end, step: 1 })
  })
  return count
}

function countOf(codes: Uint8Array | Uint16Array, wanted: number, { start, end }: Piece): number {
  let count = 0
  for (let i = start; i < end; i++) if (codes[i] === wanted) count++
  return count
}
