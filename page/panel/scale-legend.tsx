import type { VNode } from 'preact'
import type { DenseColumn, SparseColumn } from '../../protocol/column-frame.ts'
import { colorLabel } from '../colorable.ts'
import { rangeOf, scaleOf } from '../coloring-of.ts'
import { formatCount, formatValue } from '../format.ts'
import { scaleGradient } from '../scatter/coloring.ts'
import type { ShownColor } from '../store.ts'
import { usePage } from './page-context.ts'

/** The scale from low to high with the values at its ends. */
export function ScaleLegend({ color, column }: { color: ShownColor; column: DenseColumn | SparseColumn }): VNode {
  const { store } = usePage().viewer
  const { scale } = scaleOf(store, color)
  const [low, high] = rangeOf(store, color)
  const isEmpty = column.min === null
  return (
    <>
      <h2 class="heading">{colorLabel(color.by)}</h2>
      <div
        class="scale"
        role="img"
        aria-label={`From ${formatValue(low)} to ${formatValue(high)}, ${scale}`}
        style={{ background: `linear-gradient(to right, ${scaleGradient(scale).join(',')})` }}
      />
      <div class="ends">
        <span>{formatValue(low)}</span>
        <span>{formatValue(high)}</span>
      </div>
      {isEmpty ? <p class="hint">No cell has a value.</p> : null}
      {column.missingCells > 0 ? (
        <p class="hint">{formatCount(column.missingCells)} cells have no value: grey.</p>
      ) : null}
    </>
  )
}
