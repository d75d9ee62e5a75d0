import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { howOf, invert } from '../../columns/cell-sets.ts'
import { formatCount } from '../../scatter/number-format.ts'
import { CloseButton } from '../controls/close-button.tsx'
import { usePage } from '../page-context.ts'

/** How many cells are selected, what to do with them, and the groups kept. */
export function SelectionSummary(): VNode {
  const { viewer } = usePage()
  const { selection, cellCount, groups } = viewer.store
  const { cells } = selection.value
  // No form: in a sandboxed frame, as notebooks have it, none is ever submitted.
  const name = useSignal('')
  const keep = () => {
    const text = name.value.trim()
    if (text !== '') viewer.setGroup(text, cells)
    name.value = ''
  }
  return (
    <section class="selection">
      <h2 class="heading">Selection</h2>
      {cells.length === 0 ? (
        <p class="hint">Shift-drag on the picture, or select in the legend.</p>
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
          <div class="row">
            <input
              aria-label="Name of the group"
              placeholder="keep as group …"
              maxLength={100}
              value={name}
              onInput={({ currentTarget }) => (name.value = currentTarget.value)}
              onKeyDown={({ key }) => key === 'Enter' && keep()}
            />
            <button type="button" onClick={keep}>
              Keep
            </button>
          </div>
        </>
      )}
      <ul class="groups">
        {[...groups.value].map(([name, members]) => (
          <li key={name} class="row">
            <button type="button" class="plain name" onClick={(event) => viewer.select(members, howOf(event), 'group')}>
              {name}
            </button>
            <span class="count">{formatCount(members.length)}</span>
            <CloseButton label={`Remove ${name}`} onClick={() => viewer.setGroup(name, null)} />
          </li>
        ))}
      </ul>
    </section>
  )
}
