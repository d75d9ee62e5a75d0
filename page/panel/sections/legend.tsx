import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { infiniteCells, onlyValue } from '../../columns/cell-value.ts'
import { colorTitle } from '../../columns/colorable.ts'
import type { ValueColumn } from '../../columns/column-values.ts'
import { formatCells } from '../../scatter/number-format.ts'
import { asCategories, asValues } from '../../state/as-categories.ts'
import type { ShownColor } from '../../state/store.ts'
import { usePage } from '../page-context.ts'
import { CategoryLegend } from './category-legend.tsx'
import { ScaleLegend } from './scale-legend.tsx'

/** What the colours on screen mean. */
export function Legend(): VNode | null {
  const { color } = usePage().viewer.store
  if (color.value === null) return null
  const { by, column } = color.value
  return (
    <section class="legend" aria-label={`Legend: ${colorTitle(by)}`}>
      {by.axis === 'obs' ? null : <p class="hint">{colorTitle(by)}</p>}
      <LegendOf color={color.value} />
      <FormChoice color={color.value} />
      {column.missingCells > 0 ? <p class="hint">{formatCells(column.missingCells)} without a value: grey.</p> : null}
    </section>
  )
}

function LegendOf({ color }: { color: ShownColor }): VNode {
  const { column } = color
  if (column.kind === 'codes') return <CategoryLegend color={color} column={column} />
  const only = onlyValue(column)
  return (
    <>
      {only === null ? <ScaleLegend color={color} column={column} /> : <p>{only}</p>}
      <InfiniteCells column={column} />
      {column.note === undefined ? null : <p class="hint">{column.note}</p>}
    </>
  )
}

/** Whole numbers may be clusters: one click makes them categories, and back. */
function FormChoice({ color: { by, column } }: { color: ShownColor }): VNode | null {
  const { viewer } = usePage()
  const other = useMemo(() => (column.kind === 'codes' ? asValues(column) : asCategories(column)), [column])
  if (by.axis !== 'obs' || other === null) return null
  const form = column.kind === 'codes' ? 'values' : 'categories'
  return (
    <button type="button" class="plain" onClick={() => viewer.setAsCategories(by.key, form === 'categories')}>
      Show as {form}
    </button>
  )
}

/** Beside finite values; where all are infinite, that was said. */
function InfiniteCells({ column }: { column: ValueColumn }): VNode | null {
  const count = useMemo(() => infiniteCells(column), [column])
  if (count === 0 || column.min === null) return null
  return <p class="hint">{formatCells(count)} with an infinite value: in the colours of the ends.</p>
}
