import type { GeneIndex } from '../gene-index.ts'
import type { Description } from './anndata-reader.ts'
import { DataError } from './data-source.ts'
import { listed, nearNames, quoted } from './near-names.ts'

/** There is nothing to draw cells by: what obsm has instead, and the command that makes a UMAP. */
export function noEmbedding({ obsm, nObs }: Description): DataError {
  const entries = obsm.map(({ key, columns, rows, reason }) => {
    const shape = `${quoted(key)} (${rows ?? nObs} × ${columns})`
    if (reason !== undefined) return `${quoted(key)} (${reason})`
    return rows !== undefined && rows !== nObs ? `${shape}, which does not fit the ${nObs} cells` : shape
  })
  const found = entries.length === 0 ? 'obsm is empty' : `obsm has ${entries.join(', ')}`
  return new DataError(
    'no_embedding',
    `There is no embedding to draw the cells by: ${found}. Compute one with sc.tl.umap(adata)` +
      `${entries.length === 0 ? '' : ', or name one with embedding='}.`,
  )
}

export function unknownLayer(layer: string, { layers, rawVar }: Description): DataError {
  const names = rawVar === null ? layers : [...layers, 'raw']
  return new DataError(
    'unknown_column',
    `layer=${quoted(layer)} is not a layer of the dataset, which has ${listed(names)}.${nearText(nearNames(layer, names))}`,
  )
}

export function unknownGene(name: string, index: GeneIndex, description: Description, layer: string | null): DataError {
  const where = layer === 'raw' ? 'raw.var_names' : 'var_names'
  const near = nearText(index.near(name))
  return new DataError(
    'unknown_column',
    `Gene ${quoted(name)} is not in ${where} (${countText(index)}).${near}${advice(index, description)}`,
  )
}

export function unknownColor(field: string, index: GeneIndex, description: Description): DataError {
  const keys = description.obs.map(({ key }) => key)
  const near = nearText([...new Set([...nearNames(field, keys), ...index.near(field)])].slice(0, 5))
  return new DataError(
    'unknown_column',
    `${quoted(field)} is neither a column of obs (${listed(keys, 10)}) nor a gene of var_names (${countText(index)}).` +
      `${near}${advice(index, description)}`,
  )
}

export function ambiguousGene(name: string, keys: readonly string[]): DataError {
  return new DataError(
    'ambiguous',
    `${keys.length} genes are named ${quoted(name)}. Ask for one of ${listed(keys, 5)}.`,
  )
}

/** For the end of "gene X": where it was read from, when that is not X. */
export function layerText(layer: string | null): string {
  if (layer === null) return ''
  return layer === 'raw' ? ' of raw' : ` of layer ${quoted(layer)}`
}

function nearText(near: readonly string[]): string {
  return near.length === 0 ? '' : ` Near it: ${near.map(quoted).join(', ')}.`
}

const ENSEMBL_ID = /^ENS[A-Z]*G\d{6,}/

function countText(index: GeneIndex): string {
  const count = `${index.size.toLocaleString('en')} names`
  return looksLikeEnsembl(index) ? `${count}, they look like Ensembl ids` : count
}

/** Names of Ensembl and a column that may hold symbols: the user most likely typed a symbol. */
function advice(index: GeneIndex, { varColumns }: Description): string {
  if (!looksLikeEnsembl(index)) return ''
  const symbols = varColumns.find((column) => /symbol|gene.?name|feature.?name/i.test(column))
  return symbols === undefined ? '' : ` Pass gene_id_column=${quoted(symbols)}.`
}

/** As genes are called: where symbols were asked for, nobody is to be told of ids. */
function looksLikeEnsembl(index: GeneIndex): boolean {
  return ENSEMBL_ID.test(index.keyAt(0)) && ENSEMBL_ID.test(index.keyAt(index.size - 1))
}
