import type { EmbeddingInfo, Identity } from '../../protocol/identity.ts'
import type { PageState } from '../../protocol/state.ts'
import type { Colorable } from '../columns/colorable.ts'
import type { EmbeddingChoice } from '../connection/server-client.ts'
import { ownStateOf } from './saved-state.ts'

/** What a page shows first. `null` embedding: the dataset has none; `null` colour: one for all. */
export type FirstView = { embedding: EmbeddingChoice | null; color: Colorable | null }

/** What the dataset is shown as when nobody chose. */
export function defaultView(identity: Identity): FirstView {
  const info = identity.embeddings.find(({ key }) => key === identity.defaultEmbedding)
  return { embedding: info === undefined ? null : choiceOf(info), color: identity.defaultColor }
}

/** Where the viewer was left, as far as the dataset still has it. */
export function firstView(identity: Identity, saved: PageState | null): FirstView {
  const { embedding, color } = defaultView(identity)
  const info = identity.embeddings.find(({ key }) => key === saved?.embedding)
  return {
    embedding: info === undefined ? embedding : choiceOf(info, saved?.dimensions),
    color: ownStateOf(saved).geneSet ?? (saved?.color === undefined ? color : saved.color),
  }
}

/** @param dimensions where the embedding has them, else its first choice */
export function choiceOf(info: EmbeddingInfo, dimensions?: number): EmbeddingChoice {
  const wanted = info.dimensions.find((count) => count === dimensions)
  return { key: info.key, dimensions: wanted ?? info.dimensions[0] ?? 2 }
}

export function isSameChoice(a: EmbeddingChoice | null, b: EmbeddingChoice | null): boolean {
  return a?.key === b?.key && a?.dimensions === b?.dimensions
}
