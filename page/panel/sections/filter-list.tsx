import type { VNode } from 'preact'
import { colorName, colorTitle } from '../../columns/colorable.ts'
import type { Filter } from '../../columns/filters.ts'
import { formatCount, formatRange } from '../../scatter/number-format.ts'
import { CloseButton } from '../controls/close-button.tsx'
import { usePage } from '../page-context.ts'

/** What hides cells, each with a way to end it. Absent where all cells are shown. */
export function FilterList(): VNode | null {
  const { viewer } = usePage()
  const { filters, hiddenCells, cellCount, visibleCells } = viewer.store
  if (filters.value.length === 0 && hiddenCells.value.length === 0) return null
  const select = () => viewer.select(viewer.visible(), 'replace', 'filter')
  return (
    <section class="filters">
      <h2 class="heading">Filters</h2>
      <p>
        <strong>{formatCount(visibleCells.value)}</strong> of {formatCount(cellCount.value)} cells shown
      </p>
      <ul>
        {filters.value.map((filter) => (
          <Item key={colorName(filter.by)} text={describe(filter)} onRemove={() => viewer.setFilter(filter.by, null)} />
        ))}
        {hiddenCells.value.length === 0 ? null : (
          <Item
            text={`${formatCount(hiddenCells.value.length)} cells hidden from Python`}
            onRemove={() => viewer.setVisibility(null, true)}
          />
        )}
      </ul>
      <button type="button" onClick={select}>
        Select what is shown
      </button>
    </section>
  )
}

function Item({ text, onRemove }: { text: string; onRemove(): void }): VNode {
  return (
    <li class="row">
      <span>{text}</span>
      <CloseButton label={`Remove filter: ${text}`} onClick={onRemove} />
    </li>
  )
}

function describe(filter: Filter): string {
  const name = colorTitle(filter.by)
  if (filter.kind === 'range') return `${name}: ${formatRange([filter.low, filter.high]).join(' to ')}`
  const shown = filter.column.categories.filter((category) => !filter.hidden.has(category))
  if (shown.length === 1) return `${name}: only ${shown[0]}`
  return `${name}: ${formatCount(filter.hidden.size)} hidden`
}
