import type { VNode } from 'preact'
import { usePage } from './page-context.ts'

/** Which embedding, in how many dimensions. Absent where there is nothing to choose. */
export function EmbeddingChoice(): VNode | null {
  const { viewer } = usePage()
  const { identity, embedding } = viewer.store
  const options = (identity.value?.embeddings ?? []).flatMap(({ key, label, dimensions }) =>
    dimensions.map((count) => ({
      choice: { key, dimensions: count },
      text: dimensions.length > 1 ? `${label} (${count}D)` : label,
    })),
  )
  if (options.length < 2) return null
  const shown = options.findIndex(
    ({ choice }) => choice.key === embedding.value?.key && choice.dimensions === embedding.value.dimensions,
  )
  const choose = (event: Event & { currentTarget: HTMLSelectElement }) => {
    const option = options[event.currentTarget.selectedIndex]
    // The sentence about a failure is in its place already.
    if (option !== undefined) viewer.setEmbedding(option.choice).catch(() => undefined)
  }
  return (
    <section>
      <label>
        <span class="heading">Embedding</span>
        <select onChange={choose}>
          {options.map(({ text }, i) => (
            <option key={text} selected={i === shown}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </section>
  )
}
