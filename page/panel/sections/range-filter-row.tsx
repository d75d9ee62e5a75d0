import type { VNode } from 'preact'
import { columnDigits } from '../../columns/cell-value.ts'
import type { Colorable } from '../../columns/colorable.ts'
import type { ValueColumn } from '../../columns/column-values.ts'
import { filterOf } from '../../columns/filters.ts'
import { wholeRange } from '../../state/shown-coloring.ts'
import { usePage } from '../page-context.ts'

/** Only cells with a value from here to there are shown. */
export function RangeFilterRow({ by, column }: { by: Colorable; column: ValueColumn }): VNode {
  const { viewer } = usePage()
  const filter = filterOf(viewer.store.filters.value, by)
  const [least, most] = wholeRange(column)
  const [low, high] = filter?.kind === 'range' ? [filter.low, filter.high] : [least, most]
  const keep = (from: number, to: number) => {
    if (Number.isNaN(from) || Number.isNaN(to)) return
    const isAll = from <= least && to >= most
    viewer.setFilter(
      by,
      isAll ? null : { kind: 'range', by, column, low: Math.min(from, to), high: Math.max(from, to) },
    )
  }
  const box = (label: string, value: number, change: (value: number) => void) => (
    <input
      type="number"
      aria-label={label}
      step="any"
      value={inBox(value, columnDigits(column))}
      onChange={({ currentTarget }) => change(currentTarget.valueAsNumber)}
    />
  )
  return (
    <div class="row range">
      <span>Show</span>
      {box('Show values from', low, (value) => keep(value, high))}
      <span>to</span>
      {box('Show values up to', high, (value) => keep(low, value))}
    </div>
  )
}

/** As a box for numbers takes it: a whole number with all its digits, others with as many as tell the values apart. */
function inBox(value: number, digits: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  return String(Number(value.toPrecision(digits)))
}
