import type { Defaults } from '../../../data/data-source.ts'
import type { EmbeddingInfo } from '../../../protocol/identity.ts'

/** Keys of obsm by how many dimensions they are drawn in. */
export type KeysByDimension = ReadonlyMap<number, string>

const UMAP = /^(?:X_)?umap(?:_[123]d)?$/i
/** `velocity_umap`, or one key for each number of dimensions: `velocity_umap_2d`. Those of `X_` are embeddings. */
const VECTORS = /^(?!X_)([A-Za-z0-9._-]*_umap)(?:_([123])d)?$/

/**
 * What the hosted page draws, which knows one embedding: the one that is shown first. Of UMAPs that were made for other
 * numbers of dimensions it gets these.
 */
export function positionKeys({ embeddings, defaultEmbedding }: Defaults): KeysByDimension {
  // Nothing can be chosen there: where no embedding is a picture by itself, the first that can be drawn.
  const shown = embeddings.find(({ key }) => key === defaultEmbedding) ?? embeddings[0]
  if (shown === undefined) return new Map()
  const keys = new Map(shown.dimensions.map((dimensions) => [dimensions, shown.key]))
  if (!UMAP.test(shown.key)) return keys
  for (const { key, columns } of embeddings) {
    if (key.toLowerCase() === `x_umap_${columns}d`) keys.set(columns, key)
  }
  return keys
}

/** Arrows that belong to these positions, by the field's name, as cellucid names them; of a UMAP only. */
export function vectorKeys(
  embeddings: readonly EmbeddingInfo[],
  positions: KeysByDimension,
): ReadonlyMap<string, KeysByDimension> {
  const fields = new Map<string, Map<number, string>>()
  if (![...positions.values()].every((key) => UMAP.test(key))) return fields
  for (const { key, columns } of embeddings) {
    const [, field, made] = VECTORS.exec(key) ?? []
    const isOther = made !== undefined && Number(made) !== columns
    if (field === undefined || isOther || !positions.has(columns)) continue
    const keys = fields.get(field) ?? new Map<number, string>()
    // A key that says its number of dimensions goes before one that does not.
    if (made !== undefined || !keys.has(columns)) keys.set(columns, key)
    fields.set(field, keys)
  }
  return fields
}

/** What the dataset's identity says of them; `null` where there are none. */
export function describeVectors(fields: ReadonlyMap<string, KeysByDimension>): object | null {
  const names = [...fields.keys()].sort()
  if (names.length === 0) return null
  const described = names.map((name) => {
    const dimensions = [...(fields.get(name)?.keys() ?? [])].sort()
    const files = Object.fromEntries(dimensions.map((d) => [`${d}d`, `vectors/${name}_${d}d.bin`]))
    const label = `${labelOf(name)} (UMAP)`
    const about = {
      label,
      available_dimensions: dimensions,
      default_dimension: dimensions.at(-1),
      files,
      basis: 'umap',
    }
    return [name, about] as const
  })
  return {
    default_field: names.includes('velocity_umap') ? 'velocity_umap' : names[0],
    fields: Object.fromEntries(described),
  }
}

function labelOf(field: string): string {
  const words = field
    .replace(/_umap$/, '')
    .replaceAll('_', ' ')
    .trim()
  return words === '' ? field : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}
