import type { CodesColumn } from '../../protocol/column-frame.ts'
import { colorName } from '../columns/colorable.ts'
import { logColumn, type ValueColumn } from '../columns/column-values.ts'
import { filterOf, hiddenCodes } from '../columns/filters.ts'
import { toLog } from '../columns/log-scale.ts'
import type { Coloring } from '../scatter/color/coloring.ts'
import { AUTOMATIC_SCALE, type ScaleSettings, type ShownColor, type Store } from './store.ts'

/** How the colour on screen is to be drawn; `null`: one colour for all. Reads signals, so call it in an effect. */
export function coloringOf(store: Store): Coloring | null {
  const color = store.color.value
  if (color === null) return null
  const { column } = color
  if (column.kind === 'codes') {
    const hidden = hiddenCodes(column, hiddenNames(store, color))
    return { kind: 'categories', codes: column.codes, colors: categoryColors(store, color, column), hidden }
  }
  const { scale, isLog } = scaleOf(store, color)
  const [low, high] = rangeOf(store, color)
  const cellCount = store.cellCount.value
  if (!isLog) return { kind: 'values', column, cellCount, scale, range: [low, high] }
  return { kind: 'values', column: logOf(column), cellCount, scale, range: [toLog(low), toLog(high)] }
}

/** CSS colours, one per category: the user's, else those that came with the column. */
export function categoryColors(store: Store, { by }: ShownColor, column: CodesColumn): readonly string[] {
  const { colors } = column
  const edited = by.axis === 'obs' ? store.categoryColors.value[by.key] : undefined
  if (edited === undefined) return colors
  const chosen = new Map(Object.entries(edited))
  return column.categories.map((name, code) => chosen.get(name) ?? colors[code] ?? '')
}

/** Categories of the colour on screen that are not drawn. */
export function hiddenNames(store: Store, { by }: ShownColor): ReadonlySet<string> {
  const filter = filterOf(store.filters.value, by)
  return filter?.kind === 'categories' ? filter.hidden : new Set()
}

export function scaleOf(store: Store, { by }: ShownColor): ScaleSettings {
  return store.scales.value[colorName(by)] ?? AUTOMATIC_SCALE
}

/** The values at the two ends of the scale, never equal so that nothing divides by 0. */
export function rangeOf(store: Store, color: ShownColor): readonly [number, number] {
  if (color.column.kind === 'codes') return [0, 1]
  return scaleOf(store, color).range ?? wholeRange(color.column)
}

export function wholeRange({ min, max }: ValueColumn): readonly [number, number] {
  const low = min ?? 0
  const high = max ?? 1
  if (high > low) return [low, high]
  // Beside a large number 1 is nothing.
  const step = Math.max(1, Math.abs(low) * 2 ** -20)
  return low > 0 && !Number.isFinite(low + step) ? [low - step, low] : [low, low + step]
}

const logs = new WeakMap<ValueColumn, ValueColumn>()

/** Made once for a column, so that a moved slider costs no work for each cell. */
function logOf(column: ValueColumn): ValueColumn {
  const log = logs.get(column) ?? logColumn(column)
  logs.set(column, log)
  return log
}
