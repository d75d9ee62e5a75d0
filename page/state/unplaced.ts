import type { Store } from './store.ts'

/**
 * Why there is no picture though the dataset is known, and what to do; `null` where there is one, or where one is being
 * read. Reads signals, so call it in an effect or a component.
 */
export function unplacedSentence(store: Store): string | null {
  const { identity, embedding, pending, notices, fatal } = store
  if (identity.value === null || embedding.value !== null || fatal.value !== null) return null
  if (pending.value.has('dataset') || pending.value.has('embedding')) return null
  if (identity.value.embeddings.length === 0) {
    return `The dataset has no embedding. From counts, run ${FROM_COUNTS} and viewer.refresh().`
  }
  const hasFailed = notices.value.some(({ topic }) => topic === 'embedding')
  if (hasFailed) return 'Choose an embedding in the panel to draw the cells by.'
  return `None of the embeddings is a picture by itself: choose one in the panel, or run ${FROM_COUNTS} and viewer.refresh().`
}

const FROM_COUNTS = 'sc.pp.pca(adata), sc.pp.neighbors(adata), sc.tl.umap(adata)'
