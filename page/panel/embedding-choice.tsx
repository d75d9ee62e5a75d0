import type { VNode } from 'preact'
import { isSameChoice } from '../first-view.ts'
import { Choice } from './choice.tsx'
import { usePage } from './page-context.ts'

/** Which embedding, in how many dimensions. Absent where there is nothing to choose. */
export function EmbeddingChoice(): VNode | null {
  const { viewer } = usePage()
  const { identity, embedding } = viewer.store
  const options = (identity.value?.embeddings ?? []).flatMap(({ key, label, dimensions }) =>
    dimensions.map((count) => ({
      value: { key, dimensions: count },
      text: dimensions.length > 1 ? `${label} (${count}D)` : label,
    })),
  )
  if (options.length < 2) return null
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
