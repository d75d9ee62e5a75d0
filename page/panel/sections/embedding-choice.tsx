import type { VNode } from 'preact'
import { isSameChoice } from '../../state/first-view.ts'
import { Choice } from '../controls/choice.tsx'
import { usePage } from '../page-context.ts'

/** Which embedding, in how many dimensions. Absent where there is nothing to choose. */
export function EmbeddingChoice(): VNode | null {
  const { viewer } = usePage()
  const { identity, embedding } = viewer.store
  const options = (identity.value?.embeddings ?? []).flatMap(({ key, label, dimensions }) =>
    dimensions.map((count) => ({
      value: { key, dimensions: count },
      text: textOf(label, count, dimensions),
    })),
  )
  if (options.length < (embedding.value === null ? 1 : 2)) return null
  return (
    <section class="choice">
      <span class="heading">Embedding</span>
      <Choice
        label="Embedding"
        options={options}
        at={options.findIndex(({ value }) => isSameChoice(value, embedding.value))}
        // The sentence about a failure is in its place already.
        onChoose={(choice) => viewer.setEmbedding(choice).catch(() => undefined)}
      />
    </section>
  )
}

/** A name that says 3D already is not told it again: seen from above such cells are flat. */
function textOf(label: string, count: number, dimensions: readonly number[]): string {
  if (dimensions.length < 2) return label
  if (!label.endsWith('3D')) return `${label} (${count}D)`
  return count === 3 ? label : `${label}, flat`
}
