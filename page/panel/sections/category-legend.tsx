import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { CodesColumn } from '../../../protocol/column-frame.ts'
import { cellsOfCode, howOf } from '../../columns/cell-sets.ts'
import { colorLabel } from '../../columns/colorable.ts'
import { categoryCounts } from '../../scatter/color/coloring.ts'
import { parseColor, toHex } from '../../scatter/color/css-color.ts'
import { formatCount } from '../../scatter/number-format.ts'
import { categoryColors, hiddenNames } from '../../state/shown-coloring.ts'
import type { ShownColor } from '../../state/store.ts'
import { Choice, plainOptions } from '../controls/choice.tsx'
import { usePage } from '../page-context.ts'

/** Rows drawn at once; a longer legend is searched. */
const MAX_ROWS = 200
/** From so many categories on a search box helps. */
const SEARCH_FROM = 12
const ORDERS = ['as stored', 'by name', 'by count'] as const

type Row = { name: string; code: number; color: string; cells: number; chosen: number }
type LegendProps = { color: ShownColor; column: CodesColumn }

/** Categories with colour, name and count; within a selection how many of it. A click hides or shows one. */
export function CategoryLegend({ color, column }: LegendProps): VNode {
  const { viewer } = usePage()
  const wanted = useSignal('')
  const order = useSignal<(typeof ORDERS)[number]>('as stored')
  const hidden = hiddenNames(viewer.store, color)
  const rows = sorted(useRows({ color, column }), order.value).filter(({ name }) => matches(name, wanted.value))
  const hide = (names: Iterable<string>) => {
    viewer.setFilter(color.by, { kind: 'categories', by: color.by, column, hidden: new Set(names) })
  }
  return (
    <>
      <div class="row">
        {column.categories.length < SEARCH_FROM ? null : (
          <input
            type="search"
            aria-label={`Find among ${column.categories.length} categories`}
            placeholder="find …"
            value={wanted.value}
            onInput={({ currentTarget }) => (wanted.value = currentTarget.value)}
          />
        )}
        {hidden.size === 0 ? null : (
          <button type="button" class="plain" onClick={() => hide([])}>
            Show all
          </button>
        )}
        <Choice
          label="Order"
          options={plainOptions(ORDERS)}
          at={ORDERS.indexOf(order.value)}
          onChoose={(name) => (order.value = name)}
        />
      </div>
      {column.colorNote === undefined ? null : <p class="hint">{column.colorNote}</p>}
      <ul class="categories">
        {rows.slice(0, MAX_ROWS).map((row) => (
          <Category key={row.name} row={row} color={color} column={column} hidden={hidden} hide={hide} />
        ))}
      </ul>
      {/* Always there, so that a screen reader hears what it comes to say. */}
      <p class="hint" role="status">
        {rows.length > MAX_ROWS ? `${formatCount(rows.length - MAX_ROWS)} more: search to see them.` : null}
        {rows.length === 0 && wanted.value !== '' ? `No category matches “${wanted.value}”.` : null}
      </p>
    </>
  )
}

type CategoryProps = LegendProps & { row: Row; hidden: ReadonlySet<string>; hide(names: Iterable<string>): void }

function Category({ row, color, column, hidden, hide }: CategoryProps): VNode {
  const { viewer } = usePage()
  const { name, code, cells, chosen } = row
  const { categories } = column
  const isShown = !hidden.has(name)
  const toggle = () => hide(isShown ? [...hidden, name] : [...hidden].filter((other) => other !== name))
  const isolate = () => {
    const isAlone = isShown && hidden.size === categories.length - 1
    hide(isAlone ? [] : categories.filter((other) => other !== name))
  }
  const hasSelection = viewer.store.selection.value.cells.length > 0
  return (
    <li>
      <input
        type="color"
        class="dot"
        aria-label={`Colour of ${name}`}
        value={toHex(parseColor(row.color) ?? [128, 128, 128])}
        disabled={color.by.axis !== 'obs'}
        onInput={({ currentTarget }) => viewer.setCategoryColor(colorLabel(color.by), name, currentTarget.value)}
      />
      <button type="button" class="category" aria-pressed={isShown} onClick={toggle}>
        <span class="name" title={name}>
          {name}
        </span>
        <span class="count">
          {hasSelection ? `${formatCount(chosen)} / ${formatCount(cells)}` : formatCount(cells)}
        </span>
        {hasSelection ? <span class="part" style={{ width: `${(100 * chosen) / Math.max(1, cells)}%` }} /> : null}
      </button>
      <button
        type="button"
        class="aside"
        aria-label={`Select ${name}`}
        onClick={(event) => viewer.select(cellsOfCode(column.codes, code), howOf(event), 'legend')}
      >
        select
      </button>
      <button type="button" class="aside" aria-label={`Only ${name}`} onClick={isolate}>
        only
      </button>
    </li>
  )
}

function useRows({ color, column }: LegendProps): Row[] {
  const { store } = usePage().viewer
  const { categories, codes } = column
  const { cells } = store.selection.value
  const counts = useMemo(() => categoryCounts(codes, categories.length), [column])
  const chosen = useMemo(() => {
    const found = new Uint32Array(categories.length)
    for (const cell of cells) {
      const code = codes[cell] ?? categories.length
      if (code < found.length) found[code] = (found[code] ?? 0) + 1
    }
    return found
  }, [column, cells])
  const colors = categoryColors(store, color, column)
  return categories.map((name, code) => {
    return { name, code, color: colors[code] ?? '', cells: counts[code] ?? 0, chosen: chosen[code] ?? 0 }
  })
}

function sorted(rows: Row[], order: (typeof ORDERS)[number]): Row[] {
  if (order === 'by name') return rows.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  return order === 'by count' ? rows.sort((a, b) => b.chosen - a.chosen || b.cells - a.cells) : rows
}

function matches(name: string, wanted: string): boolean {
  return wanted === '' || name.toLowerCase().includes(wanted.toLowerCase())
}
