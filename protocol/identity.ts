import * as v from 'valibot'
import { matrixSchema } from './matrix.ts'
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
  /** Another text whenever a read could differ; to be named when its values are asked for. */
  version: v.string(),
})
export type EmbeddingInfo = v.InferOutput<typeof embeddingInfoSchema>

export const obsFieldSchema = v.object({
  key: v.string(),
  /** `identifier`: mostly unique texts, for hover only. `unsupported`: listed with the reason. */
  kind: v.picklist(['categorical', 'continuous', 'date', 'identifier', 'unsupported']),
  reason: v.optional(v.string()),
  version: v.string(),
})
export type ObsField = v.InferOutput<typeof obsFieldSchema>

export const matrixEntrySchema = v.object({
  matrix: matrixSchema,
  genes: v.number(),
  /** Another text whenever a gene of it could differ, or stand at another place; named when a gene is asked for. */
  version: v.string(),
})
export type MatrixEntry = v.InferOutput<typeof matrixEntrySchema>

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
  /** X, raw and the layers, as far as they are there. */
  matrices: v.array(matrixEntrySchema),
  /** Column of `var` that gives genes their labels, if one was chosen. */
  geneSymbols: v.nullable(v.string()),
  /** What genes are read from when nothing else is named: what was asked for, else raw where there is one, else X. */
  defaultMatrix: matrixSchema,
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

/**
 * One hit of the search box. `key` asks for the column and is unique; `label` is shown; `id` is the var name. `matrix`
 * where the one that was searched does not have the gene: one that does.
 */
export const geneNameSchema = v.object({
  key: v.string(),
  label: v.string(),
  id: v.string(),
  matrix: v.optional(matrixSchema),
})
export type GeneName = v.InferOutput<typeof geneNameSchema>
export const geneNamesSchema = v.object({ total: v.number(), genes: v.array(geneNameSchema) })
export type GeneNames = v.InferOutput<typeof geneNamesSchema>
