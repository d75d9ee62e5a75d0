import type { RefObject, VNode } from 'preact'
import { formatCells, formatCount } from '../scatter/number-format.ts'
import { usePage } from './page-context.ts'
import { Appearance } from './sections/appearance.tsx'
import { ColorBy } from './sections/color-by.tsx'
import { EmbeddingChoice } from './sections/embedding-choice.tsx'
import { FieldChoice } from './sections/field-choice.tsx'
import { FilterList } from './sections/filter-list.tsx'
import { Legend } from './sections/legend.tsx'
import { MatrixChoice } from './sections/matrix-choice.tsx'
import { Notes } from './sections/notes.tsx'
import { Save } from './sections/save.tsx'
import { SelectionSummary } from './sections/selection-summary.tsx'
import { SortedGenes } from './sections/sorted-genes.tsx'

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
        <SortedGenes />
      </header>
      <EmbeddingChoice />
      <ColorBy search={search} />
      <MatrixChoice />
      <Legend />
      <FilterList />
      <SelectionSummary />
      <Appearance />
      <FieldChoice />
      <Save />
    </aside>
  )
}
