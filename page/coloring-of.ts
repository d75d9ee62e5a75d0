import type { Column } from '../protocol/column-frame.ts'
import { colorName } from './column-cache.ts'
import { type Coloring, categoryPalette } from './scatter/coloring.ts'
import type { ScaleSettings, ShownColor, Store } from './store.ts'

export const DEFAULT_SCALE = 'viridis'
const AUTOMATIC: ScaleSettings = { scale: DEFAULT_SCALE, range: null }

/** How the colour on screen is to be drawn; `null`: one colour for all. Reads signals, so call it in an effect. */
export function coloringOf(store: Store): Coloring | null {
  const color = store.color.value
  if (color === null) return null
  const { column } = color
  if (column.kind === 'codes') {
    const hidden = hiddenCodes(column.categories, hiddenNames(store, color))
    return { kind: 'categories', codes: column.codes, colors: categoryColors(column), hidden }
  }
  const { scale } = scaleOf(store, color)
  return { kind: 'values', column, cellCount: store.cellCount.value, scale, range: rangeOf(store, color) }
}

/** CSS colours, one per category: the dataset's own where it has them. */
export function categoryColors(column: Extract<Column, { kind: 'codes' }>): readonly string[] {
  return column.colors ?? categoryPalette(column.categories.length)
}

export function hiddenNames(store: Store, color: ShownColor): readonly string[] {
  return color.by.axis === 'obs' ? (store.hiddenCategories.value[color.by.key] ?? []) : []
}

function hiddenCodes(categories: readonly string[], names: readonly string[]): ReadonlySet<number> {
  if (names.length === 0) return new Set()
  const hidden = new Set(names)
  return new Set(categories.flatMap((name, code) => (hidden.has(name) ? [code] : [])))
}

export function scaleOf(store: Store, color: ShownColor): ScaleSettings {
  return store.scales.value[colorName(color.by)] ?? AUTOMATIC
}

/** The values at the two ends of the scale, never equal so that nothing divides by 0. */
export function rangeOf(store: Store, color: ShownColor): readonly [number, number] {
  const { range } = scaleOf(store, color)
  if (range !== null) return range
  if (color.column.kind === 'codes') return [0, 1]
  const low = color.column.min ?? 0
  const high = color.column.max ?? 1
  return high > low ? [low, high] : [low, low + 1]
}
