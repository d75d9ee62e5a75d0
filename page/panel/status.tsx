import type { VNode } from 'preact'
import { formatCells } from '../format.ts'
import type { Store } from '../store.ts'
import { CloseButton } from './close-button.tsx'
import { usePage } from './page-context.ts'

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
      {[connectionSentence, sortingSentence, emptySentence].map((say) => {
        const sentence = say(store)
        return sentence === null ? null : (
          <p class="notice info" role="status">
            {sentence}
          </p>
        )
      })}
      {pending.length === 0 ? null : (
        <p class="notice reading" role="status">
          Reading {pending.join(' and ')} …
        </p>
      )}
    </div>
  )
}

function connectionSentence(store: Store): string | null {
  if (store.fatal.value !== null || !store.isReady.value) return null
  if (store.isStalled.value) return 'Waiting for the running cell: the notebook passes nothing on until it ends.'
  if (store.isConnected.value === false) return 'The connection to the server is lost; the page tries to get it back.'
  if (store.kernel.value === 'gone') return 'The kernel has ended. The picture stays; run the cell again to go on.'
  return null
}

function sortingSentence(store: Store): string | null {
  const { done, note } = store.sorting.value
  return done === null ? note : `Sorting genes for quick access: ${Math.round(done * 100)} %`
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
