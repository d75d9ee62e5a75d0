import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { cellValue } from '../../columns/cell-value.ts'
import { colorName, colorTitle } from '../../columns/colorable.ts'
import { formatCount } from '../../scatter/number-format.ts'
import { usePage } from '../page-context.ts'

const ROW_PX = 22
/** Rows drawn beyond what is seen, so that scrolling shows no gap. */
const MARGIN_ROWS = 8
const SHOWN_ROWS = 30
/** Of more columns only those in sight are there, and all are as wide: as in page.css, with what keeps them apart. */
const SHOWN_COLUMNS = 40
const MARGIN_COLUMNS = 6
const COLUMN_PX = 120

/** The selected cells, or all, one row each: only the rows and columns in sight are there. */
export function CellTable(): VNode {
  const { viewer } = usePage()
  const { selection, cellCount } = viewer.store
  const top = useSignal(0)
  const left = useSignal(0)
  const { cells } = selection.value
  const count = cells.length === 0 ? cellCount.value : cells.length
  const first = startOf(top.value / ROW_PX - MARGIN_ROWS, count - SHOWN_ROWS)
  const rows = Array.from({ length: Math.min(SHOWN_ROWS, count) }, (_, i) => cells[first + i] ?? first + i)
  const all = viewer.knownColumns()
  const start = startOf(left.value / COLUMN_PX - MARGIN_COLUMNS, all.length - SHOWN_COLUMNS)
  const columns = all.slice(start, start + SHOWN_COLUMNS)
  const scroll = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    top.value = currentTarget.scrollTop
    left.value = currentTarget.scrollLeft
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <div class="table" tabIndex={0} onScroll={scroll}>
      <table
        class={all.length > SHOWN_COLUMNS ? 'many' : undefined}
        aria-rowcount={count}
        aria-colcount={all.length + 1}
      >
        <caption class="unseen">{formatCount(count)} cells</caption>
        <thead>
          <tr>
            <th scope="col">cell</th>
            <Gap columns={start} />
            {columns.map(({ by }, i) => (
              <th key={colorName(by)} scope="col" aria-colindex={start + i + 2}>
                {colorTitle(by)}
              </th>
            ))}
            <Gap columns={all.length - start - columns.length} />
          </tr>
        </thead>
        <tbody>
          <tr style={{ height: `${first * ROW_PX}px` }} />
          {rows.map((cell, i) => (
            <tr key={cell} aria-rowindex={first + i + 1}>
              <th scope="row">
                <CellName cell={cell} />
              </th>
              <Gap columns={start} />
              {columns.map(({ by, column }, i) => (
                <td key={colorName(by)} aria-colindex={start + i + 2}>
                  {cellValue(column, cell)}
                </td>
              ))}
              <Gap columns={all.length - start - columns.length} />
            </tr>
          ))}
          <tr style={{ height: `${(count - first - rows.length) * ROW_PX}px` }} />
        </tbody>
      </table>
    </div>
  )
}

function startOf(wanted: number, last: number): number {
  return Math.max(0, Math.min(Math.floor(wanted), last))
}

/** The room of columns that are not there. */
function Gap({ columns }: { columns: number }): VNode | null {
  return columns === 0 ? null : <td aria-hidden="true" style={{ minWidth: `${columns * COLUMN_PX}px` }} />
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
