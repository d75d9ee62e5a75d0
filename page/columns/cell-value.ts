import type { Column } from '../../protocol/column-frame.ts'
import { digitsOf, formatValue } from '../scatter/number-format.ts'
import { type ValueColumn, valueAt } from './column-values.ts'

/** What the column says of one cell, from the values as read, never from a colour. */
export function cellValue(column: Column, cell: number): string {
  if (column.kind !== 'codes') return formatValue(valueAt(column, cell), columnDigits(column))
  return column.categories[column.codes[cell] ?? -1] ?? 'missing'
}

/** All that a float32 holds: beyond are digits that nobody wrote. */
const FLOAT32_DIGITS = 9

/** Digits that tell the column's values apart. */
export function columnDigits({ min, max, values }: ValueColumn): number {
  const digits = digitsOf([min ?? 0, max ?? 0])
  return values instanceof Float32Array ? Math.min(digits, FLOAT32_DIGITS) : digits
}

/**
 * The value that all cells have, in words, or why there is none.
 * @returns `null` where values differ
 */
export function onlyValue({ min, max, values }: ValueColumn): string | null {
  if (min !== max) return null
  if (min !== null) return `All values are ${formatValue(min)}.`
  const found = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].filter((value) => values.includes(value))
  return found.length === 0
    ? 'No cell has a value.'
    : `All values are ${found.map((value) => formatValue(value)).join(' or ')}.`
}

/** How many cells have no finite value, and are no missing ones: they have the colours of the ends. */
export function infiniteCells({ values }: ValueColumn): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i] ?? 0) === Number.POSITIVE_INFINITY) count++
  return count
}
