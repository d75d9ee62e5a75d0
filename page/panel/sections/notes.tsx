import type { VNode } from 'preact'
import { allNotes } from '../../../protocol/identity.ts'
import { usePage } from '../page-context.ts'

/** What of the dataset could not be read or shown, with the reason. */
export function Notes(): VNode | null {
  const { identity } = usePage().viewer.store
  const notes = identity.value ? allNotes(identity.value) : []
  return notes.length === 0 ? null : (
    <details>
      <summary>{notes.length === 1 ? 'A note' : `${notes.length} notes`} on the data</summary>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </details>
  )
}
