import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { cellValue } from '../cell-value.ts'
import { colorLabel, colorName } from '../colorable.ts'
import { formatCount } from '../format.ts'
import { usePage } from './page-context.ts'

const ROW_PX = 22
/** Rows drawn beyond what is seen, so that scrolling shows no gap. */
const MARGIN_ROWS = 8
const SHOWN_ROWS = 30

/** The selected cells, or all, one row each: only the rows in sight are there. */
export function CellTable(): VNode {
  const { viewer } = usePage()
  const { selection, cellCount } = viewer.store
  const top = useSignal(0)
  const { cells } = selection.value
  const count = cells.length === 0 ? cellCount.value : cells.length
  const first = Math.max(0, Math.min(count - SHOWN_ROWS, Math.floor(top.value / ROW_PX) - MARGIN_ROWS))
  const rows = Array.from({ length: Math.min(SHOWN_ROWS, count) }, (_, i) => cells[first + i] ?? first + i)
  const columns = viewer.knownColumns()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <div class="table" tabIndex={0} onScroll={({ currentTarget }) => (top.value = currentTarget.scrollTop)}>
      <table aria-rowcount={count}>
        <caption class="unseen">{formatCount(count)} cells</caption>
        <thead>
          <tr>
            <th scope="col">cell</th>
            {columns.map(({ by }) => (
              <th key={colorName(by)} scope="col">
                {colorLabel(by)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr style={{ height: `${first * ROW_PX}px` }} />
          {rows.map((cell, i) => (
            <tr key={cell} aria-rowindex={first + i + 1}>
              <th scope="row">
                <CellName cell={cell} />
              </th>
              {columns.map(({ by, column }) => (
                <td key={colorName(by)}>{cellValue(column, cell)}</td>
              ))}
            </tr>
          ))}
          <tr style={{ height: `${(count - first - rows.length) * ROW_PX}px` }} />
        </tbody>
      </table>
    </div>
  )
}

/** What the dataset calls a cell; its place in obs until that is known. */
export function CellName({ cell }: { cell: number }): VNode {
  const { viewer } = usePage()
  const name = useSignal<string | null>(null)
  useEffect(() => {
    const stop = new AbortController()
    name.value = null
    viewer.cellName(cell, stop.signal).then(
      (found) => {
        name.value = found
      },
      () => undefined, // The place stands there already; a name that cannot be read is not worth a sentence.
    )
    return () => stop.abort()
  }, [cell])
  return <>{name.value ?? `cell ${cell}`}</>
}
