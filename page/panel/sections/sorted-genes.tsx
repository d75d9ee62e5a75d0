import type { VNode } from 'preact'
import { formatBytes } from '../../scatter/number-format.ts'
import { usePage } from '../page-context.ts'

/** What genes that are kept sorted take of the kernel's memory, with a way to have it back; or why they are slower. */
export function SortedGenes(): VNode | null {
  const { viewer, session } = usePage()
  const { bytes = 0, note } = viewer.store.sorting.value
  if (bytes === 0) return note === null ? null : <p role="status">{note}</p>
  return (
    <p role="status">
      {`Genes are kept sorted: ${formatBytes(bytes)} of kernel memory`}{' '}
      <button type="button" class="aside" onClick={() => session.giveBack()}>
        Give back
      </button>
    </p>
  )
}
