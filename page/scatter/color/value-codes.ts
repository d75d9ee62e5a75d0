// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { DenseColumn, SparseColumn, Values } from '../../../protocol/column-frame.ts'

/** Cells whose value is 0: a gene that is not expressed. No other value takes this code. */
export const ZERO_CODE = 0
export const MISSING_CODE = 255
/** The lowest and the highest code of a value that is not 0. */
const FIRST_CODE = 1
const LAST_CODE = 254
const STEPS = LAST_CODE - FIRST_CODE

/** Codes may be spread over a range this many times wider than the one shown: 84 shades are left, or more. */
const WIDEST_OVER_SHOWN = 3

export type Range = readonly [number, number]

/**
 * The values between which the codes are spread for a range on the scale: the whole column, so that another range costs
 * no work per cell; or the range itself where too few codes would fall into it.
 */
export function quantisedRange(column: DenseColumn | SparseColumn, shown: Range): Range {
  const whole: Range = [column.min ?? 0, column.max ?? 0]
  return servesRange(column, whole, shown) ? whole : shown
}

/** Whether codes of the column that were spread over `quantised` show the range `shown` well. */
export function servesRange(column: DenseColumn | SparseColumn, quantised: Range, shown: Range): boolean {
  const low = Math.max(shown[0], column.min ?? 0)
  const high = Math.min(shown[1], column.max ?? 0)
  const isInside = low >= quantised[0] && high <= quantised[1]
  // Halves: the span of the largest numbers is no number.
  const span = quantised[1] / 2 - quantised[0] / 2
  return isInside && span <= WIDEST_OVER_SHOWN * Math.max(0, high / 2 - low / 2)
}

/**
 * One code per cell.
 * @returns shape (cellCount,): 0 for the value 0, 255 for missing (NaN), else 1 to 254 from low to high, clamped
 */
export function quantise(column: DenseColumn | SparseColumn, cellCount: number, range: Range): Uint8Array {
  const codes = new Uint8Array(cellCount)
  const { values } = column
  const [low, high] = range
  // A range without width parts what is in it or below from what is above.
  const factor = high > low ? Math.min(STEPS / (high - low), Number.MAX_VALUE) : Number.MAX_VALUE
  if (factor === 0) return quantise({ ...column, values: quarters(values) }, cellCount, [low / 4, high / 4])
  if (column.kind === 'sparse') {
    for (let i = 0; i < values.length; i++) codes[column.rows[i] as number] = codeOf(values[i] as number, low, factor)
  } else {
    for (let i = 0; i < codes.length; i++) codes[i] = codeOf(values[i] as number, low, factor)
  }
  return codes
}

/** Of numbers so large that the span of their range is none. */
function quarters(values: Values): Float64Array {
  return Float64Array.from(values, (value) => value / 4)
}

/** Clamped before rounding: infinities take the ends. Rounding by `| 0` halves the time of the loop. */
function codeOf(value: number, low: number, factor: number): number {
  const code = (Math.min(STEPS, Math.max(0, (value - low) * factor)) + FIRST_CODE + 0.5) | 0
  return value === 0 ? ZERO_CODE : Number.isNaN(value) ? MISSING_CODE : code
}

/** The place of a code from low to high, 0 to 255: as the codes themselves, but 0 lies among the values and missing below. */
export function rankOfCode(code: number, [low, high]: Range): number {
  if (code === MISSING_CODE) return 0
  if (code !== ZERO_CODE) return code
  const step = high > low ? (-low / 2 / (high / 2 - low / 2)) * STEPS : 0
  return FIRST_CODE + Math.round(Math.min(STEPS, Math.max(0, step)))
}

/** The value in the middle of what a code stands for. */
export function valueOfCode(code: number, [low, high]: Range): number {
  return code === ZERO_CODE ? 0 : between(low, high, (code - FIRST_CODE) / STEPS)
}

function between(low: number, high: number, place: number): number {
  return low * (1 - place) + high * place
}
