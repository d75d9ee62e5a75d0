import * as v from 'valibot'

/**
 * The folders that cellucid's `prepare()` writes: `compact_v1` (0.0.x) names files by key, `compact_v2` (0.9.1 to
 * 0.9.4) by position. Only what a reader needs; fields that are not named here are allowed and ignored.
 */
export const EXPORT_FILES = {
  identity: 'dataset_identity.json',
  obs: 'obs_manifest.json',
  var: 'var_manifest.json',
  connectivity: 'connectivity_manifest.json',
} as const

/** More cells than u32 indices reach are no dataset of ours. */
const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 2))
const dimensionFiles = v.record(v.string(), v.string())

/** `embeddings` of version 2 lists files by dimension, of version 3 by name. */
export const exportIdentitySchema = v.object({
  version: v.picklist([2, 3]),
  id: v.string(),
  name: v.string(),
  stats: v.object({ n_cells: countSchema }),
  embeddings: v.object({
    default_dimension: v.number(),
    /** `2d` → file */
    files: v.optional(dimensionFiles),
    /** `2d` → name of the embedding that this dimension shows first */
    defaults: v.optional(v.record(v.string(), v.string())),
    items: v.optional(v.record(v.string(), v.object({ label: v.string(), dimension: v.number(), file: v.string() }))),
  }),
  vector_fields: v.optional(v.object({ fields: v.optional(v.record(v.string(), v.unknown()), {}) })),
})
export type ExportIdentity = v.InferOutput<typeof exportIdentitySchema>

export const FORMATS = ['compact_v1', 'compact_v2'] as const
const dtypeSchema = v.picklist(['float32', 'uint8', 'uint16', 'uint32'])
export type ExportDtype = v.InferOutput<typeof dtypeSchema>
export const ITEM_BYTES = { float32: 4, uint8: 1, uint16: 2, uint32: 4 } as const satisfies Record<ExportDtype, number>

/** One list per field: v1 begins with the key, v2 with its position and the key. */
const compactList = v.array(v.unknown())
const valueSchema = v.object({
  pathPattern: v.string(),
  dtype: v.picklist(['float32', 'uint8', 'uint16']),
  quantized: v.boolean(),
})
export type ExportValueSchema = v.InferOutput<typeof valueSchema>

export const obsManifestSchema = v.object({
  _format: v.picklist(FORMATS),
  n_points: v.number(),
  _obsSchemas: v.object({
    continuous: v.optional(valueSchema),
    categorical: v.optional(v.object({ codesPathPattern: v.string() })),
  }),
  _continuousFields: v.optional(v.array(compactList), []),
  _categoricalFields: v.optional(v.array(compactList), []),
})
export type ObsManifest = v.InferOutput<typeof obsManifestSchema>

export const varManifestSchema = v.object({
  _format: v.picklist(FORMATS),
  n_points: v.number(),
  _varSchema: valueSchema,
  fields: v.array(compactList),
  gene_name_sets: v.optional(
    v.array(v.object({ source: v.nullable(v.string()), names: v.nullable(v.array(v.string())) })),
    [],
  ),
})
export type VarManifest = v.InferOutput<typeof varManifestSchema>

/** A field with one number per cell; `min` and `max` where the numbers are quantised. */
const continuousFieldSchema = v.object({
  index: v.number(),
  key: v.string(),
  min: v.optional(v.number()),
  max: v.optional(v.number()),
})
export type ContinuousField = v.InferOutput<typeof continuousFieldSchema>

/** Categories that were numbers or booleans are shown as Python prints them. */
const categorySchema = v.pipe(
  v.union([v.string(), v.number(), v.boolean()]),
  v.transform((category) => (typeof category === 'boolean' ? (category ? 'True' : 'False') : String(category))),
)

const categoricalFieldSchema = v.object({
  index: v.number(),
  key: v.string(),
  categories: v.array(categorySchema),
  dtype: v.picklist(['uint8', 'uint16', 'uint32']),
  /** The code of a cell without a category. */
  missing: v.number(),
})
export type CategoricalField = v.InferOutput<typeof categoricalFieldSchema>

type Format = (typeof FORMATS)[number]

/** Take a compact list apart; `null` where it is none. @param place its position in the manifest */
export function parseContinuous(format: Format, list: readonly unknown[], place: number): ContinuousField | null {
  const [index, key, min, max] = format === 'compact_v2' ? list : [place, ...list]
  const parsed = v.safeParse(continuousFieldSchema, { index, key, min, max })
  return parsed.success ? parsed.output : null
}

export function parseCategorical(format: Format, list: readonly unknown[], place: number): CategoricalField | null {
  const [index, key, categories, dtype, missing] = format === 'compact_v2' ? list : [place, ...list]
  const parsed = v.safeParse(categoricalFieldSchema, { index, key, categories, dtype, missing })
  return parsed.success ? parsed.output : null
}

/** The name of a key in `compact_v1` files. Two keys can have one name. */
export function safeName(key: string): string {
  const safe = key.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+|[._]+$/g, '')
  return safe === '' ? 'field' : safe
}

/** Where a field's file is, relative to the folder; not checked here. */
export function fieldPath(pattern: string, field: { index: number; key: string }, extension: string): string {
  const parts: Record<string, string> = { key: safeName(field.key), index: String(field.index), ext: extension }
  return pattern.replace(/\{(key|index|ext)\}/g, (_, name: string) => parts[name] ?? '')
}
