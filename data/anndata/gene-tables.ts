import type { GeneNames } from '../../protocol/identity.ts'
import { type Matrix, RAW, type VarTable, varTableOf, X } from '../../protocol/matrix.ts'
import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import { SharedReads } from '../shared-reads.ts'
import type { AnnDataReader, Description } from './anndata-reader.ts'
import { GeneIndex } from './gene-index.ts'
import { ambiguousGene, unknownGene } from './refusals.ts'

/**
 * The names of a dataset's genes: var's, which X and the layers share, and raw's. They are read at the first question
 * for them, and kept until another version of the dataset is asked about.
 */
export class GeneTables {
  readonly #reader: AnnDataReader
  readonly #geneSymbols: string | null
  readonly #reads = new SharedReads<GeneIndex>()
  readonly #indices = new Map<VarTable, { version: string; index: GeneIndex }>()

  /** @param geneSymbols a column of var, as scanpy's argument of this name */
  constructor(reader: AnnDataReader, geneSymbols: string | null) {
    this.#reader = reader
    this.#geneSymbols = geneSymbols
  }

  /** Where in the matrix a gene stands, by its key or a name. @throws DataError that says which matrix has it */
  async place(key: string, matrix: Matrix, description: Description, signal: AbortSignal): Promise<number> {
    const table = varTableOf(matrix)
    const index = await this.index(table, description, signal)
    const match = index.find(key)
    if (match.kind === 'one') return match.index
    if (match.kind === 'several') throw ambiguousGene(key, match.keys)
    throw unknownGene(key, {
      index,
      table,
      description,
      isElsewhere: await this.isElsewhere(key, table, description, signal),
    })
  }

  /**
   * The key of the gene that a person means by a name, by the rules of `sc.pl.umap`: a symbol is looked up in var, also
   * where genes are read from raw, so that one which only raw has is none.
   * @returns `null`: there is none. @throws DataError `ambiguous`
   */
  async keyOf(name: string, matrix: Matrix, description: Description, signal: AbortSignal): Promise<string | null> {
    const index = await this.index(varTableOf(matrix), description, signal)
    const match = index.find(name)
    if (match.kind === 'several') throw ambiguousGene(name, match.keys)
    if (match.kind === 'none') return null
    const hasSymbols = this.#geneSymbols !== null && matrix.in === 'raw'
    if (hasSymbols && (await this.index('var', description, signal)).find(name).kind === 'none') return null
    return index.keyAt(match.index)
  }

  /** Whether the table that this one is not has the gene. */
  async isElsewhere(name: string, table: VarTable, description: Description, signal: AbortSignal): Promise<boolean> {
    const other = otherTable(table, description)
    return other !== null && (await this.index(other, description, signal)).find(name).kind !== 'none'
  }

  /** Matches in the matrix, and behind them those that only another one has. */
  async search(
    query: string,
    limit: number,
    matrix: Matrix,
    description: Description,
    signal: AbortSignal,
  ): Promise<GeneNames> {
    const index = await this.index(varTableOf(matrix), description, signal)
    const own = index.search(query, limit)
    const other = otherTable(varTableOf(matrix), description)
    if (other === null || query.trim() === '') return own
    const ids = new Set(index.ids)
    const only = (await this.index(other, description, signal)).search(query, limit, (id) => !ids.has(id))
    const there = other === 'raw' ? RAW : X
    const offered = only.genes.map((gene) => ({ ...gene, matrix: there }))
    const isExact = ({ id, label }: { id: string; label: string }) => [id, label].some((name) => isSame(name, query))
    const rank = (genes: GeneNames['genes']) => Map.groupBy(genes, isExact)
    const [first, second] = [rank(own.genes), rank(offered)]
    const genes = [true, false].flatMap((exact) => [...(first.get(exact) ?? []), ...(second.get(exact) ?? [])])
    return { total: own.total + only.total, genes: genes.slice(0, limit) }
  }

  /** Of the names that were read: those that fields have too, which is what they then mean. */
  clashNotes({ obs, version }: Description): string[] {
    const known = [...this.#indices.values()].filter((kept) => kept.version === version)
    return obs
      .filter(({ key }) => known.some(({ index }) => index.findId(key).kind !== 'none'))
      .map(
        ({ key }) =>
          `${quoted(key)} is a column of obs and a gene: the name means the column, the search box has both.`,
      )
  }

  async index(table: VarTable, description: Description, signal: AbortSignal): Promise<GeneIndex> {
    const { version } = description
    const kept = this.#indices.get(table)
    if (kept?.version === version) return kept.index
    const index = await this.#reads.read(`${table} ${version}`, signal, async (shared) => {
      const joined = await this.#reader.geneNames?.(this.#geneSymbols, table, shared)
      if (joined !== undefined) return new GeneIndex(joined.ids, joined.labels, null, joined.bare)
      return table === 'raw' ? this.#rawIndex(description, shared) : this.#varIndex(shared)
    })
    this.#indices.set(table, { version, index })
    return index
  }

  async #varIndex(signal: AbortSignal): Promise<GeneIndex> {
    // Both at once, and both waited for: a read that fails with nobody listening ends the server.
    const [ids, symbols] = await Promise.all([
      this.#reader.varNames(null, 'var', signal),
      this.#geneSymbols === null ? null : this.#reader.varNames(this.#geneSymbols, 'var', signal),
    ])
    return new GeneIndex(ids, symbols)
  }

  async #rawIndex(description: Description, signal: AbortSignal): Promise<GeneIndex> {
    const ids = await this.#reader.varNames(null, 'raw', signal)
    if (this.#geneSymbols === null) return new GeneIndex(ids)
    const { ids: varIds, labels, symbols } = await this.index('var', description, signal)
    const known = new Map(varIds.map((id, i) => [id, labels[i] ?? id]))
    const own = ids.every((id) => known.has(id)) ? null : await this.#rawLabels(this.#geneSymbols, signal)
    return new GeneIndex(
      ids,
      ids.map((id, i) => known.get(id) ?? own?.[i] ?? id),
      symbols,
    )
  }

  /** For the search box alone. raw.var need not have the column. */
  async #rawLabels(column: string, signal: AbortSignal): Promise<string[] | null> {
    try {
      return await this.#reader.varNames(column, 'raw', signal)
    } catch (error) {
      if (error instanceof DataError && error.code !== 'closed') return null
      throw error
    }
  }
}

function otherTable(table: VarTable, { matrices }: Description): VarTable | null {
  const other = table === 'raw' ? 'var' : 'raw'
  return matrices.some(({ matrix }) => varTableOf(matrix) === other) ? other : null
}

function isSame(name: string, query: string): boolean {
  return name.toLowerCase() === query.trim().toLowerCase()
}
