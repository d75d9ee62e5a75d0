import type { VNode } from 'preact'
import { changeSentence } from '../../columns/parts.ts'
import { formatBytes, formatCells } from '../../scatter/number-format.ts'
import type { Store } from '../../state/store.ts'
import { unplacedSentence } from '../../state/unplaced.ts'
import { CloseButton } from '../controls/close-button.tsx'
import { usePage } from '../page-context.ts'

/** What is being read, what went wrong and what to do: in place, over the picture. */
export function Status(): VNode {
  const { store } = usePage().viewer
  const pending = [...store.pending.value.values()]
  return (
    <div class="status">
      {store.fatal.value === null ? null : (
        <p class="notice fatal" role="alert">
          {store.fatal.value}
        </p>
      )}
      {store.notices.value.map(({ topic, level, text }) => (
        <p key={topic} class={`notice ${level}`} role={level === 'error' ? 'alert' : 'status'}>
          <span>{text}</span>
          <CloseButton label="Close this message" onClick={() => store.dismiss(topic)} />
        </p>
      ))}
      <Outdated />
      <Away />
      {[connectionSentence, sortingSentence, unplacedSentence, emptySentence].map((say) => {
        const sentence = say(store)
        return sentence === null ? null : (
          <p class="notice info" role="status">
            {sentence}
          </p>
        )
      })}
      {pending.length === 0 ? null : (
        <p class="notice reading" role="status">
          Reading {pending.join(' and ')} … <span aria-hidden="true">{percentRead(store)}</span>
        </p>
      )}
    </div>
  )
}

/** What is shown is not what the dataset holds now. */
function Outdated(): VNode | null {
  const { viewer } = usePage()
  const parts = viewer.store.outdated.value
  if (parts.length === 0) return null
  const readAgain = () => void viewer.refresh().catch(viewer.failed('dataset'))
  return (
    <p class="notice info" role="status">
      <span>{changeSentence(parts)}</span>
      <button type="button" onClick={readAgain}>
        Read again
      </button>
    </p>
  )
}

/** A tab whose server does not answer: it asks no further by itself, since anybody may answer there by now. */
function Away(): VNode | null {
  const again = usePage().viewer.store.connectAgain.value
  if (again === null) return null
  return (
    <p class="notice info" role="status">
      <span>The connection to the server is lost.</span>
      <button type="button" onClick={again}>
        Connect again
      </button>
    </p>
  )
}

/** For the eye: read aloud, every percent would be. */
function percentRead(store: Store): string {
  const done = store.reading.value
  return done === null ? '' : `${Math.floor(done * 100)} %`
}

const WAITING = {
  cell: 'Waiting for the running cell: the notebook passes nothing on until it ends.',
  kernel: 'Waiting for the kernel, which has not answered for a while.',
} as const

function connectionSentence(store: Store): string | null {
  if (store.fatal.value !== null || !store.isReady.value) return null
  if (store.waitsFor.value !== null) return WAITING[store.waitsFor.value]
  if (store.isConnected.value === false && store.connectAgain.value === null)
    return 'The connection to the server is lost; the page tries to get it back.'
  if (store.kernel.value === 'gone') return 'The kernel has ended. The picture stays; run the cell again to go on.'
  return null
}

function sortingSentence(store: Store): string | null {
  const { done, bytes = 0 } = store.sorting.value
  if (done === null) return null
  const place = bytes > 0 ? ` (${formatBytes(bytes)} of kernel memory)` : ''
  return `Sorting genes for quick access: ${Math.round(done * 100)} %${place}`
}

function emptySentence(store: Store): string | null {
  if (store.embedding.value === null) return null
  const all = store.cellCount.value
  if (all === 0) return 'The dataset has no cells.'
  const placeless = store.embedding.value.missingCells
  if (placeless === all) return 'No cell has a position in this embedding. Choose another.'
  if (store.visibleCells.value === 0) return 'All cells are hidden: remove a filter, or run viewer.set_visibility().'
  return placeless > 0 ? `${formatCells(placeless)} without a position in this embedding.` : null
}
