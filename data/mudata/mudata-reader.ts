import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { MatrixEntry } from '../../protocol/identity.ts'
import { isSameMatrix, type Matrix, matrixKey, RAW, type VarTable, varTableOf, X } from '../../protocol/matrix.ts'
import type { AnnDataReader, Description, GeneArray, GeneNamesOf, ObsArray } from '../anndata/anndata-reader.ts'
import { matrixEntry, matrixText } from '../anndata/matrices.ts'
import { DataError, NO_PROGRESS, type Progress, type Rows } from '../data-source.ts'
import { listed, quoted } from '../near-names.ts'
import { SharedReads } from '../shared-reads.ts'
import type { Positions } from '../values/value-type.ts'
import { CellMap, joinedGenes } from './cell-map.ts'
import { type Named, namedGenes, namedParts, qualified } from './modality-names.ts'

/** What a MuData holds beside its modalities: obs and obsm of all cells, and which of them each modality has. */
export interface MuDataTop extends AnnDataReader {
  /** For each cell its row in the modality plus one, or 0 where the modality lacks it; `null` where it does not say. */
  cellMap(modality: string, signal: AbortSignal): Promise<Uint32Array | null>
}

/** mudata's own word: modalities share their cells (0), their genes (1), or both (-1). */
export type SharedAxis = 0 | 1 | -1

/** What a MuData says it is made of, in its own order. */
export type SharedModalities = { names: string[]; axis: SharedAxis }

export type MuDataParts = {
  top: MuDataTop
  modalities: readonly { name: string; reader: AnnDataReader }[]
  axis: SharedAxis
}

type Modality = { name: string; reader: AnnDataReader; description: Description }
type Known = {
  description: Description
  modalities: Modality[]
  obs: Named<Description['obs'][number]>[]
  obsm: Named<Description['obsm'][number]>[]
}
/** Where one gene is measured. */
type Place = { modality: Modality; index: number }

/**
 * A MuData as one dataset: obs, obsm and genes of all modalities, on all its cells, wherever they live. Each modality is
 * read by its own reader; cells that it lacks are missing.
 */
export class MuDataReader implements AnnDataReader {
  readonly #top: MuDataTop
  readonly #modalities: MuDataParts['modalities']
  readonly #axis: SharedAxis
  readonly #maps = new Map<string, { version: string; map: CellMap }>()
  readonly #mapReads = new SharedReads<CellMap>()
  /** Where genes are shared: each once, with where it is measured, for var and for raw.var. */
  readonly #shared = new Map<VarTable, Place[][]>()
  #known: Known | null = null

  constructor({ top, modalities, axis }: MuDataParts) {
    this.#top = top
    this.#modalities = modalities
    this.#axis = axis
  }

  async version(signal: AbortSignal): Promise<string> {
    const versions = await Promise.all(this.#readers.map((reader) => reader.version(signal)))
    return versionOf(versions)
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.refresh(signal)))
  }

  async describe(signal: AbortSignal): Promise<Description> {
    const [top, ...others] = await Promise.all(this.#readers.map((reader) => reader.describe(signal)))
    if (top === undefined) throw new DataError('malformed', 'The MuData says nothing of itself.')
    const modalities = this.#modalities.flatMap(({ name, reader }, i) => {
      const description = others[i]
      return description === undefined ? [] : [{ name, reader, description }]
    })
    const known = { ...this.#named(top, modalities), modalities }
    this.#maps.clear()
    this.#shared.clear()
    this.#known = { ...known, description: { ...this.#common(top, modalities), obs: known.obs, obsm: known.obsm } }
    return this.#known.description
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions> {
    const { from, own, modality } = this.#find('obsm', key)
    if (from === null || modality === null) return this.#top.obsm(own, columns, rows, signal)
    const all = { start: 0, end: modality.description.nObs }
    const [positions, map] = await Promise.all([
      modality.reader.obsm(own, columns, all, signal),
      this.#map(modality, signal),
    ])
    return map.positions(positions, columns).subarray(rows.start * columns, rows.end * columns)
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    const { from, own, modality, source } = this.#find('obs', key)
    if (from === null || modality === null) return this.#withColors(await this.#top.obs(own, signal), source, signal)
    const [array, map] = await Promise.all([modality.reader.obs(own, signal), this.#map(modality, signal)])
    return map.obs(array)
  }

  async gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    const { description } = this.#need()
    const places = await this.#places(index, varTableOf(matrix), signal)
    const parts = await Promise.all(places.map((place) => this.#read(place, matrix, signal)))
    const found = parts.filter((part) => part !== null)
    if (found.length === 0) throw this.#noMatrix(places, matrix)
    return joinedGenes(found, description.nObs)
  }

  async varNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<string[]> {
    const { ids, labels } = await this.geneNames(column, table, signal)
    return column === null ? ids : (labels ?? ids)
  }

  async geneNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<GeneNamesOf> {
    const named = await Promise.all(
      this.#need().modalities.map(async (modality) => ({
        modality,
        name: modality.name,
        ...(await namesIn(modality, column, table, signal)),
      })),
    )
    if (this.#axis !== 1) return namedGenes(named)
    const shared = new Map<string, Place[]>()
    const labels = new Map<string, string>()
    for (const { modality, ids, labels: own } of named) {
      ids.forEach((id, index) => {
        const places = shared.get(id)
        if (places === undefined) shared.set(id, [{ modality, index }])
        else places.push({ modality, index })
        const label = own?.[index]
        if (label && !labels.has(id)) labels.set(id, label)
      })
    }
    this.#shared.set(table, [...shared.values()])
    const ids = [...shared.keys()]
    if (column === null) return { ids, labels: null, bare: [] }
    const shown = ids.map((id) => labels.get(id) ?? id)
    return { ids, labels: shown, bare: [shown] }
  }

  obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return this.#top.obsNames(rows, signal)
  }

  async progress(): Promise<Progress> {
    const all = await Promise.all(this.#modalities.map(({ reader }) => reader.progress()))
    const going = all.flatMap(({ done }) => (done === null ? [] : [done]))
    const notes = [...new Set(all.flatMap(({ notes: each }) => each))]
    return going.length === 0 ? { ...NO_PROGRESS, notes } : { done: Math.min(...going), notes }
  }

  async giveBack(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#modalities.map(({ reader }) => reader.giveBack?.(signal)))
  }

  async close(): Promise<void> {
    this.#maps.clear()
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }

  get #readers(): AnnDataReader[] {
    return [this.#top, ...this.#modalities.map(({ reader }) => reader)]
  }

  #need(): Known {
    if (this.#known === null) throw new DataError('changed', 'The MuData was not described yet. Reload the page.')
    return this.#known
  }

  #named(top: Description, modalities: Modality[]): Pick<Known, 'obs' | 'obsm'> {
    const lists = modalities.map(({ name, description }) => ({ name, description }))
    return {
      obs: namedParts(
        top.obs,
        lists.map(({ name, description }) => ({ name, parts: description.obs })),
      ),
      obsm: namedParts(
        top.obsm,
        lists.map(({ name, description }) => ({ name, parts: description.obsm })),
      ).map(({ rows: _, ...entry }) => ({
        ...entry,
        // A modality has as many rows as cells of its own.
        ...rowsProblem(entry.from, entry.own, modalities),
        name: entry.own,
        group: entry.from === null ? 0 : 1,
        aliases: entry.from === null ? [] : [...entry.aliases, qualified(entry.from, entry.own.replace(/^X_/i, ''))],
      })),
    }
  }

  #common(top: Description, modalities: Modality[]): Omit<Description, 'obs' | 'obsm'> {
    const each = modalities.map(({ description }) => description)
    const geneCountOf = (table: VarTable) =>
      this.#axis === 1 ? top.nVar : each.reduce((total, description) => total + geneCount(description, table), 0)
    const { varColumnVersions: _, ...common } = top
    return {
      ...common,
      nVar: geneCountOf('var'),
      version: versionOf([top.version, ...each.map(({ version }) => version)]),
      varColumns: [...new Set(each.flatMap(({ varColumns }) => varColumns))],
      matrices: joinedMatrices(each, geneCountOf),
      notes: [...top.notes, ...modalities.flatMap(({ name, description }) => description.notes.map(inModality(name)))],
    }
  }

  #find<Table extends 'obs' | 'obsm'>(table: Table, key: string) {
    const { modalities } = this.#need()
    const parts: readonly Named<{ key: string }>[] = this.#need()[table]
    const part = parts.find((each) => each.key === key)
    if (part === undefined) throw new DataError('not_found', `${table} has no ${quoted(key)} (any more).`)
    const modality = modalities.find(({ name }) => name === part.from) ?? null
    return { from: part.from, own: part.own, source: part.source, modality }
  }

  /** A column that mudata pulled left its colours in the modality it comes from. */
  async #withColors(array: ObsArray, source: Named<{ key: string }>['source'], signal: AbortSignal): Promise<ObsArray> {
    const modality = this.#need().modalities.find(({ name }) => name === source?.modality)
    if (array.form !== 'codes' || array.colors !== null || source === null || modality === undefined) return array
    const own = await modality.reader.obs(source.key, signal)
    const isSame = own.form === 'codes' && own.categories.join('\n') === array.categories.join('\n')
    return isSame ? { ...array, colors: own.colors } : array
  }

  /** Kept as long as the MuData is the same; the read is shared by all who ask meanwhile. */
  async #map(modality: Modality, signal: AbortSignal): Promise<CellMap> {
    const { version } = this.#need().description
    const { name, description } = modality
    const kept = this.#maps.get(name)
    if (kept?.version === version) return kept.map
    const map = await this.#mapReads.read(`${name} ${version}`, signal, async (shared) => {
      const rows = (await this.#top.cellMap(name, shared)) ?? (await this.#rowsByName(modality, shared))
      return new CellMap(rows, description.nObs, name)
    })
    this.#maps.set(name, { version, map })
    return map
  }

  async #rowsByName({ name, reader, description }: Modality, signal: AbortSignal): Promise<Uint32Array> {
    const all = { start: 0, end: this.#need().description.nObs }
    const [names, own] = await Promise.all([
      this.#top.obsNames(all, signal),
      reader.obsNames({ start: 0, end: description.nObs }, signal),
    ])
    const rows = new Map(own.map((text, i) => [text, i + 1]))
    if (rows.size === own.length) return Uint32Array.from(names, (text) => rows.get(text) ?? 0)
    const found = `obsmap does not say which cells ${quoted(name)} has, and its names of cells are not unique`
    throw new DataError('malformed', `${found}. Write the file again with mudata.`)
  }

  async #places(index: number, table: VarTable, signal: AbortSignal): Promise<Place[]> {
    if (this.#axis === 1) {
      if (!this.#shared.has(table)) await this.geneNames(null, table, signal)
      return this.#shared.get(table)?.[index] ?? []
    }
    let start = 0
    for (const modality of this.#need().modalities) {
      const count = geneCount(modality.description, table)
      if (index < start + count) return [{ modality, index: index - start }]
      start += count
    }
    return []
  }

  /** `null`: the modality has no such matrix. */
  async #read({ modality, index }: Place, asked: Matrix, signal: AbortSignal): Promise<GeneArray | null> {
    const { name, reader, description } = modality
    const matrix = matrixOf(description, asked)
    if (matrix === null) return null
    const [gene, map] = await Promise.all([reader.gene(index, matrix, signal), this.#map(modality, signal)])
    const spread = map.gene(gene)
    if (isSameMatrix(matrix, asked)) return spread
    return {
      ...spread,
      note: `${quoted(name)} has no ${matrixText(asked)}: these are values of ${matrixText(matrix)}.`,
    }
  }

  #noMatrix(places: Place[], matrix: Matrix): DataError {
    const holders = this.#need().modalities.filter(({ description }) => matrixOf(description, matrix) !== null)
    const found = `${listed(places.map(({ modality }) => modality.name))} has no ${matrixText(matrix)}`
    return new DataError(
      'not_found',
      `${found}, which is in ${listed(holders.map(({ name }) => name))}. Choose another.`,
    )
  }
}

/** As scanpy reads raw: where a modality has none, its X. */
function matrixOf(description: Description, asked: Matrix): Matrix | null {
  if (matrixEntry(description, asked) !== undefined) return asked
  return asked.in === 'raw' && matrixEntry(description, X) !== undefined ? X : null
}

function tableOf(description: Description, table: VarTable): VarTable {
  return table === 'raw' && matrixEntry(description, RAW) === undefined ? 'var' : table
}

function geneCount(description: Description, table: VarTable): number {
  return tableOf(description, table) === 'raw' ? (matrixEntry(description, RAW)?.genes ?? 0) : description.nVar
}

async function namesIn({ reader, description }: Modality, column: string | null, asked: VarTable, signal: AbortSignal) {
  const table = tableOf(description, asked)
  const other = table === 'raw' ? 'var' : tableOf(description, 'raw')
  const hasColumn = column !== null && table === 'var' && description.varColumns.includes(column)
  const [ids, labels, others] = await Promise.all([
    reader.varNames(null, table, signal),
    hasColumn ? reader.varNames(column, table, signal) : null,
    other === table ? [] : reader.varNames(null, other, signal),
  ])
  return { ids, labels, others }
}

function rowsProblem(from: string | null, own: string, modalities: Modality[]): { reason?: string } {
  const description = modalities.find(({ name }) => name === from)?.description
  const rows = description?.obsm.find(({ key }) => key === own)?.rows
  if (description === undefined || rows === undefined || rows === description.nObs) return {}
  return { reason: `it has ${rows} rows for ${description.nObs} cells` }
}

/** Every matrix that a modality has, with the genes of all that can be read by its name. */
function joinedMatrices(descriptions: Description[], geneCountOf: (table: VarTable) => number): MatrixEntry[] {
  const all = new Map(descriptions.flatMap(({ matrices }) => matrices.map(({ matrix }) => [matrixKey(matrix), matrix])))
  const order = (matrix: Matrix) => ['X', 'raw', 'layers'].indexOf(matrix.in)
  return [...all.values()]
    .sort((a, b) => order(a) - order(b))
    .map((matrix) => ({
      matrix,
      genes: geneCountOf(varTableOf(matrix)),
      version: versionOf(
        descriptions.map((each) => matrixEntry(each, matrixOf(each, matrix) ?? matrix)?.version ?? ''),
      ),
    }))
}

function inModality(name: string): (note: string) => string {
  return (note) => `${quoted(name)}: ${note}`
}

function versionOf(versions: readonly string[]): string {
  const [first, ...others] = versions
  if (first !== undefined && others.every((version) => version === first)) return first
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(versions)))).slice(0, 16)
}
