import type { VarTable } from '../../protocol/matrix.ts'
import { DataError } from '../data-source.ts'
import { listed, nearNames, quoted } from '../near-names.ts'
import type { Description } from './anndata-reader.ts'
import type { GeneIndex } from './gene-index.ts'

/** There is nothing to draw cells by: what obsm has instead, and the commands that make a UMAP of counts. */
export function noEmbedding({ obsm, nObs }: Description): DataError {
  const entries = obsm.map(({ key, columns, rows, reason }) => {
    const shape = `${quoted(key)} (${rows ?? nObs} × ${columns})`
    if (reason !== undefined) return `${quoted(key)} (${reason})`
    return rows !== undefined && rows !== nObs ? `${shape}, which does not fit the ${nObs} cells` : shape
  })
  const found = entries.length === 0 ? 'obsm is empty' : `obsm has ${entries.join(', ')}`
  return new DataError(
    'no_embedding',
    `There is no embedding to draw the cells by: ${found}. From counts, run sc.pp.pca(adata), sc.pp.neighbors(adata) and ` +
      'sc.tl.umap(adata).',
  )
}

/** Nothing is a picture by itself, but something can be picked. */
export function noFirstEmbedding(keys: readonly string[]): DataError {
  return new DataError(
    'no_embedding',
    `No embedding is shown by itself: choose one of ${listed(keys)}, or run sc.tl.umap(adata) and viewer.refresh().`,
  )
}

/** Where a gene was looked for; `isElsewhere`: raw has it and var not, or the other way round. */
type Search = { index: GeneIndex; table: VarTable; description: Description; isElsewhere: boolean }

export function unknownGene(name: string, search: Search): DataError {
  const found = `Gene ${quoted(name)} is not in ${namesOf(search.table)} (${countText(search.index)}).`
  return new DataError('unknown_column', `${found}${adviceFor(search, search.index.near(name))}`)
}

export function unknownColor(field: string, search: Search): DataError {
  const keys = search.description.obs.map(({ key }) => key)
  const near = [...new Set([...nearNames(field, keys), ...search.index.near(field)])].slice(0, 5)
  const genes = `${namesOf(search.table)} (${countText(search.index)})`
  const found = `${quoted(field)} is neither a column of obs (${listed(keys, 10)}) nor a gene of ${genes}.`
  return new DataError('unknown_column', `${found}${adviceFor(search, near)}`)
}

function namesOf(table: VarTable): string {
  return table === 'raw' ? 'raw.var_names' : 'var_names'
}

/** A gene that is in the other table was meant; else names like it. */
function adviceFor({ index, table, description, isElsewhere }: Search, near: readonly string[]): string {
  if (!isElsewhere) return `${nearText(near)}${advice(index, description)}`
  return table === 'raw'
    ? ' X has it, and raw does not: choose X, or write use_raw=False.'
    : ' Only raw has it: choose raw, or write use_raw=True and no layer.'
}

export function ambiguousGene(name: string, keys: readonly string[]): DataError {
  return new DataError(
    'ambiguous',
    `${keys.length} genes are named ${quoted(name)}. Ask for one of ${listed(keys, 5)}.`,
  )
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
  return symbols === undefined ? '' : ` Pass gene_symbols=${quoted(symbols)}.`
}

/** As genes are called: where symbols were asked for, nobody is to be told of ids. */
function looksLikeEnsembl(index: GeneIndex): boolean {
  return ENSEMBL_ID.test(index.keyAt(0)) && ENSEMBL_ID.test(index.keyAt(index.size - 1))
}
