import { colorTitle } from '../columns/colorable.ts'
import { formatCells, formatCount } from '../scatter/number-format.ts'
import type { Store } from './store.ts'

/** The picture in one sentence, for those who do not see it. Reads signals, so call it in an effect or a component. */
export function summaryOf(store: Store): string {
  const { identity, embedding, color, selection, groups } = store
  if (identity.value === null || embedding.value === null) return 'No cells are shown yet'
  const info = identity.value.embeddings.find(({ key }) => key === embedding.value?.key)
  const parts = [formatCells(store.cellCount.value), info?.label ?? embedding.value.key]
  if (color.value !== null) parts.push(`coloured by ${colorTitle(color.value.by)}`)
  const hidden = store.cellCount.value - store.visibleCells.value
  if (hidden > 0) parts.push(`${formatCount(hidden)} hidden`)
  const selected = selection.value.cells.length
  if (selected > 0) parts.push(`${formatCount(selected)} selected`)
  if (groups.value.size > 0) parts.push(`groups: ${[...groups.value.keys()].join(', ')}`)
  return parts.join(', ')
}
