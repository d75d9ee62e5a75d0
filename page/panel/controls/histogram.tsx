import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Axis } from '../../columns/axis.ts'
import type { Colorable } from '../../columns/colorable.ts'
import { denseValues, histogram, type ValueColumn } from '../../columns/column-values.ts'
import { filterOf } from '../../columns/filters.ts'
import { usePage } from '../page-context.ts'

const BINS = 56
const NO_COUNTS = new Uint32Array(0)
/** Narrower brushes are clicks: they show all again. */
const SMALLEST_BRUSH = 0.01

type HistogramProps = { by: Colorable; column: ValueColumn; axis: Axis }

/**
 * How the values spread, all cells and the selected ones. Drawn over, it hides the cells outside; the row of numbers
 * below it does the same for keys. Heights go by the square root, or the zeros of a gene would flatten all else.
 */
export function Histogram({ by, column, axis }: HistogramProps): VNode {
  const { viewer } = usePage()
  const { selection, filters } = viewer.store
  const { cells } = selection.value
  const values = useMemo(() => denseValues(column), [column])
  const counts = useSignal<Uint32Array>(NO_COUNTS)
  // After the frame that is drawn with the new colours: a picture does not wait for its legend.
  useEffect(() => {
    counts.value = histogram(values, axis, BINS)
  }, [values, axis])
  const all = counts.value
  const chosen = useMemo(
    () => (cells.length === 0 ? null : histogram(values, axis, BINS, cells)),
    [values, axis, cells],
  )
  const start = useSignal<number | null>(null)
  const filter = filterOf(filters.value, by)
  const kept = filter?.kind === 'range' ? [axis.place(filter.low), axis.place(filter.high)] : null

  const placeOf = ({ currentTarget, clientX }: PointerEvent & { currentTarget: SVGSVGElement }) => {
    const { left, width } = currentTarget.getBoundingClientRect()
    return Math.min(1, Math.max(0, (clientX - left) / width))
  }
  const brush = (event: PointerEvent & { currentTarget: SVGSVGElement }) => {
    if (start.value === null) return
    const [low, high] = [start.value, placeOf(event)].sort((a, b) => a - b) as [number, number] // two went in
    const isRange = high - low >= SMALLEST_BRUSH
    viewer.setFilter(by, isRange ? { kind: 'range', by, column, low: axis.value(low), high: axis.value(high) } : null)
  }
  const tallest = Math.sqrt(Math.max(1, ...all))
  return (
    <svg
      class="histogram"
      viewBox={`0 0 ${BINS} 30`}
      preserveAspectRatio="none"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        start.value = placeOf(event)
      }}
      onPointerMove={brush}
      onPointerUp={(event) => {
        brush(event)
        start.value = null
      }}
    >
      <path class="all" d={barsPath(all, tallest)} />
      {chosen === null ? null : <path class="chosen" d={barsPath(chosen, tallest)} />}
      {kept === null ? null : (
        <rect
          class="kept"
          x={(kept[0] ?? 0) * BINS}
          y={0}
          width={((kept[1] ?? 1) - (kept[0] ?? 0)) * BINS}
          height={30}
        />
      )}
    </svg>
  )
}

function barsPath(counts: Uint32Array, tallest: number): string {
  return [...counts]
    .map((count, i) => `M${i} 30V${(30 - (28 * Math.sqrt(count)) / tallest).toFixed(1)}h.9V30z`)
    .join('')
}
