import type { VNode } from 'preact'
import { howOf, invert } from '../cell-sets.ts'
import { formatCount } from '../format.ts'
import { CloseButton } from './close-button.tsx'
import { usePage } from './page-context.ts'

/** How many cells are selected, what to do with them, and the groups kept. */
export function SelectionSummary(): VNode {
  const { viewer } = usePage()
  const { selection, cellCount, groups } = viewer.store
  const { cells } = selection.value
  const keep = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const name = new FormData(event.currentTarget).get('name')
    if (typeof name === 'string' && name.trim() !== '') viewer.setGroup(name.trim(), cells)
    event.currentTarget.reset()
  }
  return (
    <section class="selection">
      <h2 class="heading">Selection</h2>
      {cells.length === 0 ? (
        <p class="hint">None yet: shift-drag on the picture, or “select” in the legend.</p>
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
          <form class="row" onSubmit={keep}>
            <input name="name" aria-label="Name of the group" placeholder="keep as group …" maxLength={100} />
            <button type="submit">Keep</button>
          </form>
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
