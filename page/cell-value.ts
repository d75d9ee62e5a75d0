import type { Column } from '../protocol/column-frame.ts'
import { formatValue } from './format.ts'
import { valueAt } from './values.ts'

/** What the column says of one cell, from the values as read, never from a colour. */
export function cellValue(column: Column, cell: number): string {
  if (column.kind !== 'codes') return formatValue(valueAt(column, cell))
  return column.categories[column.codes[cell] ?? -1] ?? 'missing'
}
