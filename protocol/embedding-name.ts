/** What a name stands for among keys of obsm. */
export type EmbeddingMatch =
  | { kind: 'one'; key: string }
  | { kind: 'none' }
  | { kind: 'several'; keys: readonly string[] }

/**
 * The key that `name` means: itself, with `X_` before it, or the only one that is alike but for `X_` and the case of its
 * letters.
 */
export function matchEmbedding(keys: readonly string[], name: string): EmbeddingMatch {
  for (const exact of [name, `X_${name}`]) if (keys.includes(exact)) return { kind: 'one', key: exact }
  const alike = keys.filter((key) => bareName(key) === bareName(name))
  const [first] = alike
  if (first === undefined) return { kind: 'none' }
  return alike.length === 1 ? { kind: 'one', key: first } : { kind: 'several', keys: alike }
}

/** Without `X_`, also behind the name of a modality, in lower case. */
export function bareName(key: string): string {
  return key.replace(/^([^:]*:)?X_/i, '$1').toLowerCase()
}
