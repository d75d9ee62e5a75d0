import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { axisOf } from '../../columns/axis.ts'
import { columnDigits } from '../../columns/cell-value.ts'
import { colorTitle } from '../../columns/colorable.ts'
import { denseValues, isValueColumn, type ValueColumn } from '../../columns/column-values.ts'
import { type GroupStats, groupStats } from '../../columns/group-stats.ts'
import { formatCount, formatRange, formatValue } from '../../scatter/number-format.ts'
import { categoryColors, scaleOf, wholeRange } from '../../state/shown-coloring.ts'
import { usePage } from '../page-context.ts'
import type { Grouping } from './grouping.ts'

const BINS = 40
const WIDTH_PX = 76
const HEIGHT_PX = 108

/** The gene or field that colours the cells, spread within each category; of the selection where there is one. */
export function Violins({ by: { key, column: by } }: { by: Grouping }): VNode {
  const { store } = usePage().viewer
  const color = store.color.value
  const { cells } = store.selection.value
  const column = color !== null && isValueColumn(color.column) ? color.column : null
  const isLog = color !== null && scaleOf(store, color).isLog
  const axis = useMemo(() => (column === null ? null : axisOf(wholeRange(column), isLog)), [column, isLog])
  const stats = useMemo(() => {
    if (column === null || axis === null) return []
    return groupStats(denseValues(column), by, axis, BINS, cells.length === 0 ? null : cells)
  }, [column, axis, by, cells])
  const colors = categoryColors(store, { by: { axis: 'obs', key }, column: by }, by)
  if (color === null || column === null || axis === null)
    return <p class="hint">Colour by a gene or a field of numbers to see how it spreads.</p>
  return (
    <>
      <p class="hint">
        {colorTitle(color.by)}, {spanOf(column)}
        {cells.length === 0 ? '' : `, ${formatCount(cells.length)} selected cells`}
      </p>
      <div class="violins">
        {stats.map((group, code) => (
          <figure key={by.categories[code]} title={describe(by.categories[code] ?? '', group, columnDigits(column))}>
            <svg width={WIDTH_PX} height={HEIGHT_PX} aria-hidden="true">
              <path d={outlineOf(group.bins)} fill={colors[code]} />
              {group.cells === 0 ? null : (
                <path class="mean" d={`M8 ${heightOf(axis.place(group.mean))}h${WIDTH_PX - 16}`} />
              )}
            </svg>
            <figcaption>{by.categories[code]}</figcaption>
            <span class="unseen">{describe('', group, columnDigits(column))}</span>
          </figure>
        ))}
      </div>
    </>
  )
}

/** From the lowest value to the highest, or the only one that there is. */
function spanOf({ min, max }: ValueColumn): string {
  const [low, high] = [min ?? Number.NaN, max ?? Number.NaN]
  return min === max ? formatValue(low) : formatRange([low, high]).join(' to ')
}

function describe(name: string, { cells, mean, share }: GroupStats, digits: number): string {
  return `${name} ${formatCount(cells)} cells, mean ${formatValue(mean, digits)}, above 0 in ${Math.round(100 * share)} %`
}

function heightOf(place: number): string {
  return (HEIGHT_PX * (1 - place)).toFixed(1)
}

/** The bins mirrored about the middle, each smoothed with its neighbours. */
function outlineOf(bins: Float32Array): string {
  const smooth = Array.from(bins, (count, i) => count / 2 + ((bins[i - 1] ?? 0) + (bins[i + 1] ?? 0)) / 4)
  const widest = Math.max(...smooth)
  if (widest === 0) return ''
  const half = (WIDTH_PX / 2) * 0.92
  const points = smooth.map((count, i) => [(half * count) / widest, heightOf((i + 0.5) / BINS)] as const)
  const right = points.map(([x, y]) => `${(WIDTH_PX / 2 + x).toFixed(1)} ${y}`)
  const left = points.map(([x, y]) => `${(WIDTH_PX / 2 - x).toFixed(1)} ${y}`).reverse()
  return `M${[...right, ...left].join('L')}Z`
}
