import type { RefObject, VNode } from 'preact'
import { formatCells, formatCount } from '../format.ts'
import { Appearance } from './appearance.tsx'
import { ColorBy } from './color-by.tsx'
import { EmbeddingChoice } from './embedding-choice.tsx'
import { FieldChoice } from './field-choice.tsx'
import { FilterList } from './filter-list.tsx'
import { Legend } from './legend.tsx'
import { Notes } from './notes.tsx'
import { usePage } from './page-context.ts'
import { Save } from './save.tsx'
import { SelectionSummary } from './selection-summary.tsx'

/** What colours the cells, what the colours mean, what is selected. */
export function Panel({ isOpen, search }: { isOpen: boolean; search: RefObject<HTMLInputElement | null> }): VNode {
  const { identity } = usePage().viewer.store
  return (
    <aside class="panel" hidden={!isOpen} aria-label="Panel">
      <header>
        <h1 title={identity.value?.name}>{identity.value?.name ?? ' '}</h1>
        <p>
          {identity.value === null
            ? ' '
            : `${formatCells(identity.value.nObs)} × ${formatCount(identity.value.nVar)} genes`}
        </p>
        <Notes />
      </header>
      <EmbeddingChoice />
      <ColorBy search={search} />
      <Legend />
      <FilterList />
      <SelectionSummary />
      <Appearance />
      <FieldChoice />
      <Save />
    </aside>
  )
}
