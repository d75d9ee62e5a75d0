import type { CodesColumn } from '../../protocol/column-frame.ts'
import { type Colorable, colorName } from './colorable.ts'
import { denseValues, type ValueColumn } from './column-values.ts'

/** Cells whose category is hidden are not shown. */
export type CategoryFilter = { kind: 'categories'; by: Colorable; column: CodesColumn; hidden: ReadonlySet<string> }
/** Cells with a value in [low, high] are shown; missing ones are not. */
export type RangeFilter = { kind: 'range'; by: Colorable; column: ValueColumn; low: number; high: number }
export type Filter = CategoryFilter | RangeFilter

/** At most one filter of each field or gene; `filter` takes the place of the one before, `null` removes it. */
export function withFilter(filters: readonly Filter[], by: Colorable, filter: Filter | null): readonly Filter[] {
  const others = filters.filter((other) => colorName(other.by) !== colorName(by))
  const isEmpty = filter === null || (filter.kind === 'categories' && filter.hidden.size === 0)
  return isEmpty ? others : [...others, filter]
}

export function filterOf(filters: readonly Filter[], by: Colorable): Filter | null {
  return filters.find((filter) => colorName(filter.by) === colorName(by)) ?? null
}

/**
 * The cells that any filter hides, or that are hidden already.
 * @param hidden ascending
 * @returns ascending, unique
 */
export function hiddenBy(filters: readonly Filter[], hidden: Uint32Array, cellCount: number): Uint32Array {
  if (filters.length === 0) return hidden
  const isHidden = new Uint8Array(cellCount)
  for (const cell of hidden) isHidden[cell] = 1
  for (const filter of filters) {
    if (filter.kind === 'range') markOutside(isHidden, filter)
    else markCategories(isHidden, filter)
  }
  let count = 0
  for (const mark of isHidden) count += mark
  const cells = new Uint32Array(count)
  let filled = 0
  for (let cell = 0; cell < cellCount; cell++) if (isHidden[cell] === 1) cells[filled++] = cell
  return cells
}

function markOutside(isHidden: Uint8Array, { column, low, high }: RangeFilter): void {
  denseValues(column).forEach((value, cell) => {
    if (!(value >= low && value <= high)) isHidden[cell] = 1
  })
}

function markCategories(isHidden: Uint8Array, { column, hidden }: CategoryFilter): void {
  const codes = hiddenCodes(column, hidden)
  if (codes.size === 0) return
  column.codes.forEach((code, cell) => {
    if (codes.has(code)) isHidden[cell] = 1
  })
}

/** The codes of these categories. */
export function hiddenCodes({ categories }: CodesColumn, hidden: ReadonlySet<string>): ReadonlySet<number> {
  return new Set(categories.flatMap((name, code) => (hidden.has(name) ? [code] : [])))
}
