import { batch, type Signal } from '@preact/signals'
import { decodeCells } from '../../protocol/cells.ts'
import type { Command } from '../../protocol/commands.ts'
import { HIDDEN, highlightSet, SELECTION } from '../../protocol/state.ts'
import { groupSet } from './saved-state.ts'
import type { Store } from './store.ts'

/** A set of cells as the viewer was left with; unknown names are of newer pages. */
export function takeCellSet(store: Store, name: string, cells: Uint32Array): void {
  if (name === SELECTION) store.selection.value = { cells, source: 'state' }
  else if (name === HIDDEN) store.hiddenCells.value = cells
  else if (name.startsWith(highlightSet(''))) setGroup(store.highlights, name.slice(highlightSet('').length), cells)
  else if (name.startsWith(groupSet(''))) setGroup(store.groups, name.slice(groupSet('').length), cells)
}

/** A session's sets of cells in place of all that are there. @throws ProtocolError where they are none; nothing changed then */
export function replaceCellSets(
  store: Store,
  sets: Extract<Command, { kind: 'loadSession' }>['sets'],
  body: Uint8Array,
): void {
  let end = 0
  const read = sets.map(({ name, bytes, cells }) => {
    const start = end
    end += bytes
    return [name, decodeCells(cells, body.subarray(start, end))] as const
  })
  batch(() => {
    takeCellSet(store, SELECTION, new Uint32Array(0))
    takeCellSet(store, HIDDEN, new Uint32Array(0))
    store.highlights.value = new Map()
    store.groups.value = new Map()
    for (const [name, cells] of read) takeCellSet(store, name, cells)
  })
}

function setGroup(groups: Signal<ReadonlyMap<string, Uint32Array>>, key: string, cells: Uint32Array): void {
  const next = new Map(groups.value)
  next.delete(key)
  groups.value = cells.length > 0 ? next.set(key, cells) : next
}
