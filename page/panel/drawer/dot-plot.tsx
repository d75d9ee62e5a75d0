import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { axisOf } from '../../columns/axis.ts'
import { columnDigits } from '../../columns/cell-value.ts'
import { matrixLabel } from '../../columns/colorable.ts'
import { denseValues, isValueColumn, type ValueColumn } from '../../columns/column-values.ts'
import { groupStats, shadesOf } from '../../columns/group-stats.ts'
import { genesIn } from '../../columns/suggestions.ts'
import { formatValue } from '../../scatter/number-format.ts'
import { wholeRange } from '../../state/shown-coloring.ts'
import { usePage } from '../page-context.ts'
import type { Grouping } from './grouping.ts'

const MAX_GENES = 40
const RADIUS_PX = 9

/** Several genes by category, of the selection where there is one: how many cells have a value above 0, and how much of it on average. */
export function DotPlot({ by }: { by: Grouping }): VNode {
  const { viewer } = usePage()
  const { closerLook, recent, renewals, matrix } = viewer.store
  const lately = recent.value.flatMap((color) =>
    color.axis === 'set' ? color.keys : color.axis === 'var' ? [color.key] : [],
  )
  const chosen = closerLook.value.genes
  const keys = [...new Set(chosen.length > 0 ? chosen : lately)].slice(0, MAX_GENES)
  const genes = useSignal<readonly (readonly [key: string, column: ValueColumn])[]>([])
  // What is being typed stays while genes arrive.
  const typed = useSignal<string | null>(null)
  useEffect(() => {
    const stop = new AbortController()
    const reads = keys.map((key) =>
      viewer
        .column({ axis: 'var', key, matrix: matrix.value }, stop.signal)
        .then((column) => (isValueColumn(column) ? [[key, column] as const] : []))
        // A gene that is not there is said, and the others are shown.
        .catch((error: unknown) => {
          viewer.failed(`gene ${key}`)(error)
          return []
        }),
    )
    void Promise.all(reads).then((read) => {
      if (!stop.signal.aborted) genes.value = read.flat()
    })
    return () => {
      stop.abort()
      for (const key of keys) viewer.store.dismiss(`gene ${key}`)
    }
  }, [keys.join('\n'), renewals.value, matrix.value])
  return (
    <>
      <input
        class="genes"
        aria-label="Genes of the dot plot"
        placeholder="genes, a list may be pasted"
        value={typed.value ?? keys.join(' ')}
        onInput={({ currentTarget }) => (typed.value = currentTarget.value)}
        onChange={({ currentTarget }) => {
          typed.value = null
          closerLook.value = { ...closerLook.value, genes: genesIn(currentTarget.value) }
        }}
      />
      <p class="hint">
        Genes from {matrixLabel(matrix.value)}. Size: cells with a value above 0. Shade: the mean, within each gene.
      </p>
      <table class="dots">
        <thead>
          <tr>
            <td />
            {genes.value.map(([key]) => (
              <th key={key} scope="col">
                {key}
              </th>
            ))}
          </tr>
        </thead>
        <Rows by={by} genes={genes.value} />
      </table>
    </>
  )
}

function Rows({ by, genes }: { by: Grouping; genes: readonly (readonly [string, ValueColumn])[] }): VNode {
  const { cells } = usePage().viewer.store.selection.value
  const { column } = by
  const stats = useMemo(() => {
    const only = cells.length === 0 ? null : cells
    return genes.map(([key, values]) => {
      const groups = groupStats(denseValues(values), column, axisOf(wholeRange(values), false), 1, only)
      return { key, groups, shades: shadesOf(groups), digits: columnDigits(values) }
    })
  }, [genes, column, cells])
  return (
    <tbody>
      {column.categories.map((name, code) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          {stats.map(({ key, groups, shades, digits }) => {
            const { mean = 0, share = 0 } = groups[code] ?? {}
            const words = `${Math.round(100 * share)} % above 0, mean ${formatValue(mean, digits)}`
            return (
              <td key={key} title={`${key} in ${name}: ${words}`}>
                <svg width={2 * RADIUS_PX} height={2 * RADIUS_PX} aria-hidden="true">
                  <circle
                    cx={RADIUS_PX}
                    cy={RADIUS_PX}
                    r={RADIUS_PX * Math.sqrt(share)}
                    fill-opacity={0.15 + 0.85 * (shades[code] ?? 0)}
                  />
                </svg>
                <span class="unseen">{words}</span>
              </td>
            )
          })}
        </tr>
      ))}
    </tbody>
  )
}
