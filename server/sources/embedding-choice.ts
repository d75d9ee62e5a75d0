import type { EmbeddingInfo } from '../../protocol/identity.ts'
import type { Description, ObsmEntry } from './anndata-reader.ts'

type EmbeddingChoices = Pick<Description, 'obsm' | 'nObs' | 'defaultEmbedding'>

/** Coordinates of an image grow downward. */
export function isImageSpace(key: string): boolean {
  return key === 'spatial' || key === 'X_spatial'
}

/**
 * What can be drawn, the one to show first at the front, as a person would choose: UMAP made for a number of
 * dimensions, `X_umap`, t-SNE, force-directed graphs, other `X_*` of one to three columns, PCA, spatial; then what can
 * be picked but is nobody's first choice. Among equals 2D goes before 3D before 1D.
 * @param entries obsm as stored; what has no row per cell or cannot be read is left out
 */
export function listEmbeddings(entries: readonly ObsmEntry[], nObs: number): EmbeddingInfo[] {
  const usable = entries.filter((entry) => isDrawable(entry, nObs))
  return usable
    .map((entry, place) => ({ entry, place, rank: rankOf(entry) }))
    .sort((a, b) => a.rank - b.rank || dimensionRank(a.entry) - dimensionRank(b.entry) || a.place - b.place)
    .map(({ entry }) => describeEmbedding(entry))
}

/**
 * The embedding that shows cells without being asked for: the dataset's own choice, else the first that is a picture
 * (a latent space is none), else `null`.
 */
export function defaultEmbedding({ obsm: entries, nObs, defaultEmbedding: own }: EmbeddingChoices): string | null {
  if (entries.some((entry) => entry.key === own && isDrawable(entry, nObs))) return own ?? null
  const usable = entries.filter((entry) => isDrawable(entry, nObs) && rankOf(entry) < NOBODYS_CHOICE)
  return listEmbeddings(usable, nObs)[0]?.key ?? null
}

function isDrawable(entry: ObsmEntry, nObs: number): boolean {
  return entry.reason === undefined && entry.columns >= 1 && (entry.rows ?? nObs) === nObs
}

const NOBODYS_CHOICE = 7

function rankOf({ key, columns }: ObsmEntry): number {
  const isNarrow = columns <= 3
  if (isNarrow && /^X_umap_[123]d$/i.test(key)) return 0
  if (isNarrow && /^X_umap$/i.test(key)) return 1
  if (isNarrow && /^X_tsne$/i.test(key)) return 2
  if (isNarrow && /^X_draw_graph_/.test(key)) return 3
  if (/^X_pca$/i.test(key)) return 5
  if (isImageSpace(key)) return columns === 2 || columns === 3 ? 6 : NOBODYS_CHOICE
  if (isNarrow && key.startsWith('X_')) return 4
  return NOBODYS_CHOICE
}

function dimensionRank({ columns }: ObsmEntry): number {
  return columns === 1 ? 2 : columns === 3 ? 1 : 0
}

function describeEmbedding({ key, columns, label }: ObsmEntry): EmbeddingInfo {
  // A label that only repeats the key says less than ours.
  return {
    key,
    label: label === undefined || label === key ? labelOf(key) : label,
    columns,
    dimensions: dimensionsOf(columns),
  }
}

/** Stored in three columns: made for 3D. Wider (PCA): the first two. */
function dimensionsOf(columns: number): number[] {
  if (columns === 1) return [1]
  if (columns === 2) return [2]
  return columns === 3 ? [3, 2] : [2, 3]
}

const LABELS: Record<string, string> = {
  umap: 'UMAP',
  tsne: 't-SNE',
  pca: 'PCA',
  phate: 'PHATE',
  diffmap: 'Diffusion map',
}

function labelOf(key: string): string {
  const bare = key.replace(/^X_/, '')
  const made = /^umap_([123])d$/i.exec(bare)
  if (made !== null) return `UMAP ${made[1]}D`
  return LABELS[bare.toLowerCase()] ?? (isImageSpace(key) ? 'spatial' : bare)
}
