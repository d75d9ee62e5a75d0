import type { VNode } from 'preact'
import type { Colorable } from '../colorable.ts'
import { wholeRange } from '../coloring-of.ts'
import { filterOf } from '../filters.ts'
import type { ValueColumn } from '../values.ts'
import { usePage } from './page-context.ts'

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
      value={inBox(value)}
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

/** At most four digits of it, as a box for numbers takes them and has room for. */
function inBox(value: number): string {
  const text = String(Number(value.toPrecision(4)))
  return text.length > 8 ? value.toExponential(2) : text
}
