import type { VNode } from 'preact'
import { colorLabel } from '../colorable.ts'
import { formatCells, formatValue } from '../format.ts'
import type { ShownColor } from '../store.ts'
import { CategoryLegend } from './category-legend.tsx'
import { usePage } from './page-context.ts'
import { ScaleLegend } from './scale-legend.tsx'

/** What the colours on screen mean. */
export function Legend(): VNode | null {
  const { color } = usePage().viewer.store
  if (color.value === null) return null
  const { by, column } = color.value
  return (
    <section class="legend" aria-label={`Legend: ${colorLabel(by)}`}>
      <LegendOf color={color.value} />
      {column.missingCells > 0 ? <p class="hint">{formatCells(column.missingCells)} without a value: grey.</p> : null}
    </section>
  )
}

function LegendOf({ color }: { color: ShownColor }): VNode {
  const { column } = color
  if (column.kind === 'codes') return <CategoryLegend color={color} column={column} />
  const { min, max } = column
  if (min === max) return <p>{min === null ? 'No cell has a value.' : `All values are ${formatValue(min)}.`}</p>
  return <ScaleLegend color={color} column={column} />
}
