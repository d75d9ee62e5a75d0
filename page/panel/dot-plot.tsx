import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { CodesColumn } from '../../protocol/column-frame.ts'
import { axisOf } from '../axis.ts'
import { type Colorable, colorLabel, colorName } from '../colorable.ts'
import { wholeRange } from '../coloring-of.ts'
import { formatValue } from '../format.ts'
import { groupStats } from '../group-stats.ts'
import { scaleGradient } from '../scatter/coloring.ts'
import { denseValues, isValueColumn, type ValueColumn } from '../values.ts'
import { usePage } from './page-context.ts'

const CELL_PX = 22
type Row = { by: Colorable; column: ValueColumn }

/** Genes by categories: a dot's size is the share of cells that express, its colour the mean, from each gene's least to its most. */
export function DotPlot({ by }: { by: CodesColumn }): VNode {
  const { viewer } = usePage()
  const { recent } = viewer.store
  const rows = useSignal<readonly Row[]>([])
  const genes = recent.value.flatMap((color): Colorable[] => {
    if (color.axis === 'set') return color.keys.map((key) => ({ axis: 'var', key, layer: null }))
    return color.axis === 'var' ? [color] : []
  })
  const names = genes.map(colorName).join()
  useEffect(() => {
    const stop = new AbortController()
    const read = genes.map(async (gene) => ({ by: gene, column: await viewer.column(gene, stop.signal) }))
    Promise.all(read).then((found) => {
      rows.value = found.filter((row): row is Row => isValueColumn(row.column))
    }, viewer.failed('dotPlot'))
    return () => stop.abort()
  }, [names])
  if (genes.length === 0)
    return <p class="hint">The genes that you colour by, or paste as a list, stand here side by side.</p>
  return (
    <table class="dots">
      <thead>
        <tr>
          <td />
          {by.categories.map((name) => (
            <th key={name} scope="col" title={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.value.map((row) => (
          <Dots key={colorName(row.by)} row={row} by={by} />
        ))}
      </tbody>
    </table>
  )
}

function Dots({ row, by }: { row: Row; by: CodesColumn }): VNode {
  const stats = useMemo(
    () => groupStats(denseValues(row.column), by, axisOf(wholeRange(row.column), false), 1),
    [row.column, by],
  )
  const means = stats.map(({ mean }) => mean)
  const [least, most] = [Math.min(...means), Math.max(...means)]
  const colors = scaleGradient('reds')
  return (
    <tr>
      <th scope="row">{colorLabel(row.by)}</th>
      {stats.map(({ mean, share }, code) => {
        const said = `mean ${formatValue(mean)}, not 0 in ${Math.round(100 * share)} %`
        const color = colors[Math.round(((mean - least) / (most - least || 1)) * (colors.length - 1))]
        return (
          <td key={by.categories[code]} title={`${by.categories[code]}: ${said}`}>
            <svg width={CELL_PX} height={CELL_PX} role="img" aria-label={said}>
              <circle cx={CELL_PX / 2} cy={CELL_PX / 2} r={(CELL_PX / 2 - 1) * Math.sqrt(share)} fill={color} />
            </svg>
          </td>
        )
      })}
    </tr>
  )
}
