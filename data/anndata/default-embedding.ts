import { bareName, matchEmbedding } from '../../protocol/embedding-name.ts'
import type { EmbeddingInfo } from '../../protocol/identity.ts'
import { listed, quoted } from '../near-names.ts'
import type { Description, ObsmEntry } from './anndata-reader.ts'

type EmbeddingChoices = Pick<Description, 'obsm' | 'nObs' | 'defaultEmbedding'>

/** Coordinates of an image grow downward. */
export function isImageSpace(key: string): boolean {
  return bareName(key) === 'spatial'
}

/**
 * What can be drawn, the one to show first at the front, as a person would choose: among tables of one to three columns
 * UMAP, t-SNE, force-directed graphs and what else is named as an embedding; then of wider ones the first components,
 * where the name says that they are UMAP, t-SNE or PCA; then spatial, then small tables of any name; then what can be
 * picked but is nobody's first choice. Among equals 2D goes before 3D before 1D.
 * @param entries obsm as stored; what has no row per cell or cannot be read is left out
 */
export function listEmbeddings(entries: readonly ObsmEntry[], nObs: number): EmbeddingInfo[] {
  const usable = entries.filter((entry) => isDrawable(entry, nObs))
  return usable
    .map((entry, place) => ({ entry, place, rank: rankOf(entry), group: groupOf(entry) }))
    .sort(
      (a, b) =>
        a.group - b.group || a.rank - b.rank || dimensionRank(a.entry) - dimensionRank(b.entry) || a.place - b.place,
    )
    .map(({ entry }) => describeEmbedding(entry))
}

/**
 * The embedding that shows cells without being asked for: the dataset's own choice, else the first that is a picture
 * (a latent space is none), else `null`.
 */
export function defaultEmbedding({ obsm: entries, nObs, defaultEmbedding: own }: EmbeddingChoices): string | null {
  const usable = entries.filter((entry) => isDrawable(entry, nObs))
  const match = matchEmbedding(
    usable.map(({ key }) => key),
    own ?? '',
  )
  if (match.kind === 'one') return match.key
  const pictures = usable.filter((entry) => rankOf(entry) < NOBODYS_CHOICE)
  return listEmbeddings(pictures, nObs)[0]?.key ?? null
}

/** A sentence where the dataset names an embedding to show first that cannot be. */
export function defaultEmbeddingNote(choices: EmbeddingChoices): string | null {
  const { obsm, nObs, defaultEmbedding: own } = choices
  if (own === null) return null
  const keys = obsm.filter((entry) => isDrawable(entry, nObs)).map(({ key }) => key)
  if (matchEmbedding(keys, own).kind === 'one') return null
  return `uns "default_embedding" says ${quoted(own)}, which is none of the embeddings that can be drawn: ${listed(keys)}.`
}

function isDrawable(entry: ObsmEntry, nObs: number): boolean {
  return entry.reason === undefined && entry.columns >= 1 && (entry.rows ?? nObs) === nObs
}

/** In the order of preference. What is wider than three columns is drawn by its first two or three components. */
const RANKS: readonly ((name: string, entry: ObsmEntry) => boolean)[] = [
  (name, entry) => isNarrow(entry) && /^umap_[123]d$/.test(name),
  (name, entry) => isNarrow(entry) && name === 'umap',
  (name, entry) => isNarrow(entry) && says(name, UMAP),
  (name, entry) => isNarrow(entry) && name === 'tsne',
  (name, entry) => isNarrow(entry) && says(name, TSNE),
  (name, entry) => isNarrow(entry) && /^(draw_graph|fdg|force)/.test(name),
  (name, entry) =>
    isNarrow(entry) && isNamedAsEmbedding(name, entry) && !says(name, PCA) && !isImageSpace(ownKey(entry)),
  (name) => says(name, UMAP),
  (name) => says(name, TSNE),
  (name) => name === 'pca',
  (name) => says(name, PCA),
  (_, entry) => isImageSpace(ownKey(entry)) && (entry.columns === 2 || entry.columns === 3),
  (_, entry) => isNarrow(entry),
]
const NOBODYS_CHOICE = RANKS.length

/** What all modalities have in common, then the modalities', then what is no picture. */
function groupOf(entry: ObsmEntry): number {
  return rankOf(entry) === NOBODYS_CHOICE ? Number.POSITIVE_INFINITY : (entry.group ?? 0)
}

/** What it is called where it stands. */
export function ownKey({ key, name }: ObsmEntry): string {
  return name ?? key
}

function rankOf(entry: ObsmEntry): number {
  const name = bareName(ownKey(entry))
  const rank = RANKS.findIndex((isOf) => isOf(name, entry))
  return rank < 0 ? NOBODYS_CHOICE : rank
}

function isNarrow({ columns }: ObsmEntry): boolean {
  return columns <= 3
}

/** As words of their own: `harmony_umap`, `wnn.umap`, `umap2`, `X_pca_harmony`, but not `humap`. */
const UMAP = /(?<![a-z])umap(?![a-z])/
const TSNE = /(?<![a-z])t[-_. ]?sne(?![a-z])/
const PCA = /(?<![a-z])pca(?![a-z])/

function says(name: string, word: RegExp): boolean {
  return word.test(name)
}

/** scanpy's `X_`, or a method's name as Bioconductor and Seurat write it. */
function isNamedAsEmbedding(name: string, entry: ObsmEntry): boolean {
  return /^X_/i.test(ownKey(entry)) || /^(phate|mds|diffmap|dm|trimap|pacmap|mde|isomap|densmap|fitsne)$/.test(name)
}

function dimensionRank({ columns }: ObsmEntry): number {
  return columns === 1 ? 2 : columns === 3 ? 1 : 0
}

function describeEmbedding(entry: ObsmEntry): EmbeddingInfo {
  const { key, columns, label, version } = entry
  // A label that only repeats the key says less than ours.
  return {
    key,
    label: label === undefined || label === key ? labelOfEntry(entry) : label,
    columns,
    dimensions: dimensionsOf(columns),
    version,
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

/** `UMAP`, or `rna: UMAP` where others have one, too. */
function labelOfEntry(entry: ObsmEntry): string {
  const own = ownKey(entry)
  return entry.key === own ? labelOf(own) : `${entry.key.slice(0, -own.length)} ${labelOf(own)}`
}

function labelOf(key: string): string {
  const made = /^umap_([123])d$/.exec(bareName(key))
  if (made !== null) return `UMAP ${made[1]}D`
  return LABELS[bareName(key)] ?? (isImageSpace(key) ? 'spatial' : key.replace(/^X_/, ''))
}
