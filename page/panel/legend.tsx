import type { VNode } from 'preact'
import { colorLabel } from '../colorable.ts'
import type { ShownColor } from '../store.ts'
import { CategoryLegend } from './category-legend.tsx'
import { usePage } from './page-context.ts'
import { ScaleLegend } from './scale-legend.tsx'

/** What the colours on screen mean. */
export function Legend(): VNode | null {
  const { color } = usePage().viewer.store
  if (color.value === null) return null
  return (
    <section class="legend" aria-label={`Legend: ${colorLabel(color.value.by)}`}>
      <LegendOf color={color.value} />
    </section>
  )
}

function LegendOf({ color }: { color: ShownColor }): VNode {
  const { column } = color
  return column.kind === 'codes' ? (
    <CategoryLegend color={color} column={column} />
  ) : (
    <ScaleLegend color={color} column={column} />
  )
}
