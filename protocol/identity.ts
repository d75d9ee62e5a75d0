import * as v from 'valibot'
import { colorBySchema } from './state.ts'

export const embeddingInfoSchema = v.object({
  /** The obsm key, asked for by this name. */
  key: v.string(),
  /** What the picker shows: "UMAP", "PCA", "spatial". */
  label: v.string(),
  /** Columns stored; the page may ask for 2 or 3 of them. */
  columns: v.number(),
  /** Dimensions it can be drawn in, the default first. */
  dimensions: v.array(v.number()),
})
export type EmbeddingInfo = v.InferOutput<typeof embeddingInfoSchema>

export const obsFieldSchema = v.object({
  key: v.string(),
  /** `identifier`: mostly unique texts, for hover only. `unsupported`: listed with the reason. */
  kind: v.picklist(['categorical', 'continuous', 'date', 'identifier', 'unsupported']),
  reason: v.optional(v.string()),
})
export type ObsField = v.InferOutput<typeof obsFieldSchema>

/** What a page must know before it asks for any array. Reads no column and no index of names. */
export const identitySchema = v.object({
  name: v.string(),
  kind: v.picklist(['export', 'h5ad', 'zarr', 'kernel']),
  nObs: v.number(),
  nVar: v.number(),
  /** Differs whenever any read could. */
  version: v.string(),
  embeddings: v.array(embeddingInfoSchema),
  obs: v.array(obsFieldSchema),
  layers: v.array(v.string()),
  hasRaw: v.boolean(),
  /** Column of `var` that gives genes their labels, if one was chosen. */
  geneIdColumn: v.nullable(v.string()),
  /** The layer that genes are read from when none is named: `null` is X. */
  defaultLayer: v.nullable(v.string()),
  defaultEmbedding: v.nullable(v.string()),
  defaultColor: v.nullable(colorBySchema),
  /** Sentences about what was left out and why. */
  notes: v.array(v.string()),
})
export type Identity = v.InferOutput<typeof identitySchema>

/** Everything that was left out, a sentence each: of the dataset, and of its fields. */
export function allNotes({ notes, obs }: Pick<Identity, 'notes' | 'obs'>): string[] {
  return [...notes, ...obs.flatMap(({ key, reason }) => (reason ? [`${key.slice(0, MAX_KEY_SHOWN)}: ${reason}.`] : []))]
}

const MAX_KEY_SHOWN = 200

/** One hit of the search box. `key` asks for the column and is unique; `label` is shown; `id` is the var name. */
export const geneNameSchema = v.object({ key: v.string(), label: v.string(), id: v.string() })
export type GeneName = v.InferOutput<typeof geneNameSchema>
export const geneNamesSchema = v.object({ total: v.number(), genes: v.array(geneNameSchema) })
export type GeneNames = v.InferOutput<typeof geneNamesSchema>
