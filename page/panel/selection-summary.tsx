import type { VNode } from 'preact'
import { invert } from '../cell-sets.ts'
import { formatCount } from '../format.ts'
import { usePage } from './page-context.ts'

/** How many cells are selected, and what to do with them. */
export function SelectionSummary(): VNode {
  const { viewer } = usePage()
  const { selection, cellCount } = viewer.store
  const { cells } = selection.value
  return (
    <section class="selection">
      <h2 class="heading">Selection</h2>
      {cells.length === 0 ? (
        <p class="hint">
          None. Shift-drag on the picture draws a lasso; a category’s cells are selected in the legend.
        </p>
      ) : (
        <>
          <p>
            <strong>{formatCount(cells.length)}</strong> of {formatCount(cellCount.value)} cells
          </p>
          <div class="row">
            <button type="button" onClick={() => viewer.select(new Uint32Array(0), 'replace', 'panel')}>
              Clear
            </button>
            <button type="button" onClick={() => viewer.select(invert(cells, cellCount.value), 'replace', 'panel')}>
              Invert
            </button>
          </div>
        </>
      )}
    </section>
  )
}
