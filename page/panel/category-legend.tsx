import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { CodesColumn } from '../../protocol/column-frame.ts'
import { cellsOfCode } from '../cell-sets.ts'
import { colorLabel } from '../colorable.ts'
import { categoryColors, hiddenNames } from '../coloring-of.ts'
import { formatCount } from '../format.ts'
import { categoryCounts } from '../scatter/coloring.ts'
import type { ShownColor } from '../store.ts'
import { usePage } from './page-context.ts'

/** Rows drawn at once; a longer legend is searched. */
const MAX_ROWS = 200
/** From so many categories on a search box helps. */
const SEARCH_FROM = 15

/** Categories with colour, name and count; a click hides or shows one, "only" hides all others. */
export function CategoryLegend({ color, column }: { color: ShownColor; column: CodesColumn }): VNode {
  const { viewer } = usePage()
  const wanted = useSignal('')
  const { categories } = column
  const colors = categoryColors(viewer.store, color, column)
  const counts = useMemo(() => categoryCounts(column.codes, categories.length), [column])
  const hidden = hiddenNames(viewer.store, color)
  const rows = categories.flatMap((name, code) => (matches(name, wanted.value) ? [{ name, code }] : []))
  const hide = (names: Iterable<string>) => {
    viewer.setFilter(color.by, { kind: 'categories', by: color.by, column, hidden: new Set(names) })
  }
  const toggle = (name: string) => {
    const next = new Set(hidden)
    if (!next.delete(name)) next.add(name)
    hide(next)
  }
  const isolate = (name: string) => {
    const isAlone = !hidden.has(name) && hidden.size === categories.length - 1
    hide(isAlone ? [] : categories.filter((other) => other !== name))
  }
  const select = (code: number) => viewer.select(cellsOfCode(column.codes, code), 'replace', 'legend')
  return (
    <>
      <div class="row">
        <h2 class="heading">{colorLabel(color.by)}</h2>
        {hidden.size === 0 ? null : (
          <button type="button" class="plain" onClick={() => hide([])}>
            Show all
          </button>
        )}
      </div>
      {categories.length < SEARCH_FROM ? null : (
        <input
          type="search"
          aria-label={`Find among ${categories.length} categories`}
          placeholder={`Find among ${formatCount(categories.length)}`}
          value={wanted.value}
          onInput={({ currentTarget }) => (wanted.value = currentTarget.value)}
        />
      )}
      <ul class="categories">
        {rows.slice(0, MAX_ROWS).map(({ name, code }) => (
          <li key={name}>
            <button type="button" class="category" aria-pressed={!hidden.has(name)} onClick={() => toggle(name)}>
              <span class="dot" style={{ background: colors[code] }} />
              <span class="name" title={name}>
                {name}
              </span>
              <span class="count">{formatCount(counts[code] ?? 0)}</span>
            </button>
            <button type="button" class="aside" aria-label={`Select ${name}`} onClick={() => select(code)}>
              select
            </button>
            <button type="button" class="aside" aria-label={`Only ${name}`} onClick={() => isolate(name)}>
              only
            </button>
          </li>
        ))}
      </ul>
      {rows.length > MAX_ROWS ? (
        <p class="hint">{formatCount(rows.length - MAX_ROWS)} more: search to see them.</p>
      ) : null}
      {column.missingCells > 0 ? (
        <p class="hint">{formatCount(column.missingCells)} cells have no value: grey.</p>
      ) : null}
    </>
  )
}

function matches(name: string, wanted: string): boolean {
  return wanted === '' || name.toLowerCase().includes(wanted.toLowerCase())
}
