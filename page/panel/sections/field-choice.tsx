import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { type Colorable, colorName, colorTitle } from '../../columns/colorable.ts'
import { useWindowOfRows } from '../controls/window-of-rows.ts'
import { usePage } from '../page-context.ts'

/** From so many fields on a search box helps. */
const SEARCH_FROM = 12
/** As in page.css. */
const ROW_PX = 24

/** What pointer and table say of a cell: fields, and the genes that coloured lately. */
export function FieldChoice(): VNode {
  const { identity, fields, recent } = usePage().viewer.store
  const wanted = useSignal('')
  const chosen = fields.value ?? recent.value
  const offered = offeredOf(identity.value?.obs ?? [], [...chosen, ...recent.value])
  const query = wanted.value.trim().toLowerCase()
  const found = offered.filter((by) => colorTitle(by).toLowerCase().includes(query))
  const { first, end, onScroll } = useWindowOfRows(found.length, ROW_PX)
  const names = new Set(chosen.map(colorName))
  const toggle = (by: Colorable) => () => {
    const others = chosen.filter((other) => colorName(other) !== colorName(by))
    fields.value = others.length < chosen.length ? others : [...chosen, by]
  }
  return (
    <details>
      <summary class="heading">On hover and in the table</summary>
      {offered.length < SEARCH_FROM ? null : (
        <input
          type="search"
          aria-label={`Find among ${offered.length} fields`}
          placeholder="find …"
          value={wanted.value}
          onInput={({ currentTarget }) => (wanted.value = currentTarget.value)}
        />
      )}
      <div class="fields" onScroll={onScroll}>
        <div style={{ height: `${first * ROW_PX}px` }} />
        {found.slice(first, end).map((by) => (
          <label class="check" key={colorName(by)} title={colorTitle(by)}>
            <input type="checkbox" checked={names.has(colorName(by))} onChange={toggle(by)} />
            <span class="name">{colorTitle(by)}</span>
          </label>
        ))}
        <div style={{ height: `${(found.length - end) * ROW_PX}px` }} />
      </div>
      <p class="hint" role="status">
        {found.length === 0 && query !== '' ? `No field matches “${wanted.value}”.` : null}
      </p>
    </details>
  )
}

/** Fields of obs with values, then what else was chosen or coloured lately; each once. */
function offeredOf(obs: readonly { key: string; kind: string }[], more: readonly Colorable[]): Colorable[] {
  const fields = obs.flatMap(({ key, kind }): Colorable[] =>
    kind === 'categorical' || kind === 'continuous' ? [{ axis: 'obs', key }] : [],
  )
  return [...new Map([...fields, ...more].map((by) => [colorName(by), by])).values()]
}
