import { onlyValue } from '../columns/cell-value.ts'
import { colorTitle } from '../columns/colorable.ts'
import { categoryCenters } from '../scatter/category-centers.ts'
import { categoryCounts, scaleGradient } from '../scatter/color/coloring.ts'
import { formatValue } from '../scatter/number-format.ts'
import type { Label, LegendPicture } from '../scatter/scatter.ts'
import { categoryColors, hiddenNames, rangeOf, scaleOf } from './shown-coloring.ts'
import type { Store } from './store.ts'

/** More names than that are a carpet; the legend has them all. */
const MAX_LABELS = 60
const MAX_CHARACTERS = 28

/** The legend as a saved picture shows it; `null`: one colour for all. */
export function legendOf(store: Store): LegendPicture | null {
  const color = store.color.value
  if (color === null) return null
  const title = colorTitle(color.by)
  const { column } = color
  if (column.kind !== 'codes') {
    const { min, missingCells } = column
    const colors = scaleGradient(scaleOf(store, color).scale)
    const only = onlyValue(column)
    if (only === null) return { kind: 'gradient', title, colors, range: rangeOf(store, color) }
    const count = store.cellCount.value - missingCells
    const entries = [{ name: min === null ? only : formatValue(min), color: colors[0] ?? '', count }]
    return { kind: 'categories', title, entries }
  }
  const counts = categoryCounts(column.codes, column.categories.length)
  const colors = categoryColors(store, color, column)
  const hidden = hiddenNames(store, color)
  const entries = column.categories.map((name, i) => ({ name, color: colors[i] ?? '', count: counts[i] ?? 0 }))
  return { kind: 'categories', title, entries: entries.filter(({ name }) => !hidden.has(name)) }
}

/** The names of the categories at their visible cells, those with most first; none where they are switched off. */
export function labelsOf(store: Store): readonly Label[] {
  const { color, embedding, hasLabels } = store
  const column = color.value?.column
  if (!hasLabels.value || color.value === null || column?.kind !== 'codes' || embedding.value === null) return []
  const { categories } = column
  const codes = column.codes.slice()
  for (const cell of store.masked.value) codes[cell] = -1 // wraps to the code of what is missing
  const counts = categoryCounts(codes, categories.length)
  const centers = categoryCenters(embedding.value, codes, categories.length)
  const hidden = hiddenNames(store, color.value)
  return [...categories.entries()]
    .filter(([i, name]) => counts[i] && !hidden.has(name))
    .sort(([a], [b]) => (counts[b] ?? 0) - (counts[a] ?? 0))
    .slice(0, MAX_LABELS)
    .map(([i, name]) => {
      const [x = 0, y = 0, z = 0] = centers.subarray(3 * i)
      return { text: shortened(name), at: [x, y, z] }
    })
}

function shortened(name: string): string {
  return name.length > MAX_CHARACTERS ? `${name.slice(0, MAX_CHARACTERS - 1)}…` : name
}
