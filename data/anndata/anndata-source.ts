import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import type { Column, Embedding } from '../../protocol/column-frame.ts'
import { type EmbeddingMatch, matchEmbedding } from '../../protocol/embedding-name.ts'
import type { GeneNames, Identity, MatrixEntry } from '../../protocol/identity.ts'
import { type Matrix, varTableOf } from '../../protocol/matrix.ts'
import type { OpenOptions } from '../../protocol/pipe.ts'
import type { ColorBy } from '../../protocol/state.ts'
import type { CompareQuestion, Comparison, Progress } from '../data-source.ts'
import { DataError, type DataSource, type Defaults, type Part, type Rows } from '../data-source.ts'
import { listed, nearNamesText, quoted } from '../near-names.ts'
import { SharedReads } from '../shared-reads.ts'
import { countMissingCodes, valueRange } from '../value-range.ts'
import type { AnnDataReader, Description, GeneArray, ObsArray } from './anndata-reader.ts'
import { categoryColors, numbersNote } from './category-colors.ts'
import { comparedGroups } from './compared-groups.ts'
import { comparisonNotes } from './comparison-notes.ts'
import { defaultEmbedding, defaultEmbeddingNote, isImageSpace, listEmbeddings, ownKey } from './default-embedding.ts'
import { GeneTables } from './gene-tables.ts'
import { checkMatrix, matrixEntry, matrixText, usualMatrix } from './matrices.ts'
import { normalisePositions } from './positions.ts'
import { noEmbedding, noFirstEmbedding, unknownColor } from './refusals.ts'

/** One embedding in memory. */
const MAX_EMBEDDING_BYTES = 1 << 30
/** How long a page waits to hear what is new in a busy kernel before it is told what was known. */
const REFRESH_PATIENCE_MS = 250
/** Names for hover, at most so many a question. */
const MAX_CELL_NAMES = 1000

type Known = { version: string; description: Description }

/**
 * An AnnData as a DataSource, wherever its arrays live: choice of embedding, gene names, colours, defaults and
 * refusals are the same for a file, a store and a kernel.
 */
export class AnnDataSource implements DataSource {
  readonly id = bytesToHex(randomBytes(8))
  readonly kind: Identity['kind']
  readonly #reader: AnnDataReader
  readonly #name: string
  readonly #options: OpenOptions
  readonly #descriptions = new SharedReads<Known>()
  readonly #genes: GeneTables
  /** Found while reading columns, so they join the identity's notes late. */
  readonly #lateNotes = new Set<string>()
  readonly #closed = new AbortController()
  #known: Known | null = null
  #checkedColor: ColorBy | null = null

  constructor(kind: Identity['kind'], reader: AnnDataReader, name: string, options: OpenOptions) {
    this.kind = kind
    this.#reader = reader
    this.#genes = new GeneTables(reader, options.geneSymbols)
    this.#name = options.name ?? name
    this.#options = options
  }

  /**
   * Refuse what cannot be shown: no cells, no embedding, options that name what is not there.
   * @throws DataError in words for the person who wrote them
   */
  async check(signal: AbortSignal): Promise<void> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    if (description.nObs === 0) {
      throw new DataError('no_cells', `${quoted(this.#name)} has no cells (0 rows in obs): there is nothing to show.`)
    }
    const { embedding, matrix, geneSymbols, color } = this.#options
    if (embedding !== null) this.#findEmbedding(description, embedding)
    else if (listEmbeddings(description.obsm, description.nObs).length === 0) throw noEmbedding(description)
    if (matrix !== null) checkMatrix(description, matrix)
    if (geneSymbols !== null && !description.varColumns.includes(geneSymbols)) {
      const near = nearNamesText(geneSymbols, description.varColumns)
      throw new DataError(
        'unknown_column',
        `gene_symbols=${quoted(geneSymbols)} is not a column of var, which has ${listed(description.varColumns)}.${near}`,
      )
    }
    if (color !== null) this.#checkedColor = await this.#resolve(color, null, description, stop)
  }

  async identity(signal: AbortSignal): Promise<Identity> {
    const stop = this.#stopOf(signal)
    await this.catchUp(stop)
    const description = await this.#describe(stop)
    const { nObs, nVar, obs, notes } = description
    const ownDefault = [defaultEmbeddingNote(description)].filter((note) => note !== null)
    return {
      ...this.#defaultsOf(description),
      name: this.#name,
      kind: this.kind,
      nObs,
      nVar,
      version: description.version,
      obs: obs.map(({ key, kind, reason, version }) => ({
        key,
        kind,
        version,
        ...(reason === undefined ? {} : { reason }),
      })),
      matrices: this.#matrices(description),
      geneSymbols: this.#options.geneSymbols,
      defaultMatrix: this.#matrix(null, description),
      notes: [
        ...notes,
        ...ownDefault,
        ...this.#genes.clashNotes(description),
        ...this.#lateNotes,
        ...(await this.#reader.progress()).notes,
      ],
    }
  }

  async defaults(signal: AbortSignal): Promise<Defaults> {
    return this.#defaultsOf(await this.#describe(this.#stopOf(signal)))
  }

  async version(signal: AbortSignal): Promise<string> {
    const stop = this.#stopOf(signal)
    return this.#reader.version(stop)
  }

  async partVersion(part: Part, signal: AbortSignal): Promise<string> {
    return this.#versionIn(await this.#describe(this.#stopOf(signal)), part)
  }

  describedVersion(part: Part): string | null {
    return this.#known === null ? null : this.#versionIn(this.#known.description, part)
  }

  #versionIn(description: Description, part: Part): string {
    if (part.in === 'matrix') {
      const matrices = this.#matrices(description)
      return matrixEntry({ matrices }, part.matrix)?.version ?? description.version
    }
    return description[part.in].find(({ key }) => key === part.key)?.version ?? description.version
  }

  async exportFile(path: string, signal: AbortSignal): Promise<Uint8Array | null> {
    return (await this.#reader.exportFile?.(path, this.#stopOf(signal))) ?? null
  }

  async embedding(key: string | null, dimensions: number, signal: AbortSignal): Promise<Embedding> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    const { nObs } = description
    const wanted = key ?? this.#options.embedding ?? defaultEmbedding(description)
    if (wanted === null) {
      const keys = listEmbeddings(description.obsm, nObs).map((each) => each.key)
      throw keys.length === 0 ? noEmbedding(description) : noFirstEmbedding(keys)
    }
    const entry = this.#findEmbedding(description, wanted)
    if (dimensions > entry.columns) {
      const found = `obsm ${quoted(entry.key)} has ${entry.columns} columns`
      throw new DataError('unknown_embedding', `${found}: it cannot be drawn in ${dimensions} dimensions.`)
    }
    checkSize(nObs * dimensions, `obsm ${quoted(entry.key)}`)
    const positions = await this.#reader.obsm(entry.key, dimensions, { start: 0, end: nObs }, stop)
    if (positions.length !== nObs * dimensions) {
      const found = `${positions.length} coordinates for ${nObs} cells`
      throw new DataError('malformed', `obsm ${quoted(entry.key)} ended early: ${found}.`)
    }
    const normalised = normalisePositions(positions, dimensions)
    return { kind: 'embedding', key: entry.key, dimensions, ...normalised, yDown: isImageSpace(ownKey(entry)) }
  }

  async obs(key: string, signal: AbortSignal): Promise<Column> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    const field = description.obs.find((each) => each.key === key)
    if (field === undefined) {
      const keys = description.obs.map((each) => each.key)
      throw new DataError(
        'unknown_column',
        `${quoted(key)} is not a column of obs, which has ${listed(keys)}.${nearNamesText(key, keys)}`,
      )
    }
    if (field.kind === 'unsupported') {
      throw new DataError('unsupported', `obs ${quoted(key)} cannot colour cells: ${field.reason ?? 'unknown type'}.`)
    }
    if (field.kind === 'identifier') {
      const reason = field.reason ?? 'nearly every cell has a text of its own'
      throw new DataError('unsupported', `obs ${quoted(key)} cannot colour cells: ${reason}.`)
    }
    return this.#toColumn(key, await this.#reader.obs(key, stop), description)
  }

  async gene(key: string, matrix: Matrix, signal: AbortSignal): Promise<Column> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    checkMatrix(description, matrix)
    const index = await this.#genes.place(key, matrix, description, stop)
    const gene = await this.#reader.gene(index, matrix, stop)
    return geneColumn(gene, description.nObs, `gene ${quoted(key)} of ${matrixText(matrix)}`)
  }

  async genes(query: string, limit: number, matrix: Matrix | null, signal: AbortSignal): Promise<GeneNames> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    return this.#genes.search(query, limit, this.#matrix(matrix, description), description, stop)
  }

  async compare(
    { a, b, method, matrix: asked }: CompareQuestion,
    signal: AbortSignal,
    progress: (done: number) => void,
  ): Promise<Comparison> {
    const stop = this.#stopOf(signal)
    await this.#reader.refresh(stop)
    const description = await this.#describe(stop)
    const matrix = asked ?? usualMatrix(description)
    checkMatrix(description, matrix)
    if (this.#reader.compare === undefined) throw notComparable()
    const groups = await comparedGroups(a, b, description.nObs, (field) => this.obs(field, stop))
    const names = await this.#reader.varNames(null, varTableOf(matrix), stop)
    const table = await this.#reader.compare(matrix, { method, codes: groups.codes }, stop, progress)
    return { ...groups, table, names, matrix, notes: comparisonNotes(groups, table, matrix) }
  }

  async cellNames(rows: Rows, signal: AbortSignal): Promise<readonly string[]> {
    const stop = this.#stopOf(signal)
    const { nObs } = await this.#describe(stop)
    const start = Math.min(Math.max(rows.start, 0), nObs)
    const end = Math.min(Math.max(rows.end, start), nObs, start + MAX_CELL_NAMES)
    return start === end ? [] : this.#reader.obsNames({ start, end }, stop)
  }

  async resolveColor(field: string, matrix: Matrix | null, signal: AbortSignal): Promise<ColorBy> {
    const stop = this.#stopOf(signal)
    await this.refresh(stop)
    return this.#resolve(field, matrix, await this.#describe(stop), stop)
  }

  progress(): Promise<Progress> {
    return this.#reader.progress()
  }

  async giveBack(signal: AbortSignal): Promise<void> {
    await this.#reader.giveBack?.(this.#stopOf(signal))
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const stop = this.#stopOf(signal)
    await this.#reader.refresh(stop)
  }

  async catchUp(signal: AbortSignal): Promise<void> {
    if (this.#known === null) return
    const patience = AbortSignal.timeout(REFRESH_PATIENCE_MS)
    try {
      await this.#reader.refresh(AbortSignal.any([signal, patience]))
    } catch (error) {
      signal.throwIfAborted()
      if (!patience.aborted) throw error
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new DataError('closed', 'The viewer of this dataset was closed.'))
    await this.#reader.close()
  }

  /** Ends with the asker's signal, and with this source. @throws their reason where one ended before */
  #stopOf(signal: AbortSignal): AbortSignal {
    const stop = AbortSignal.any([signal, this.#closed.signal])
    stop.throwIfAborted()
    return stop
  }

  #defaultsOf(description: Description): Defaults {
    const { obsm, nObs } = description
    const { embedding } = this.#options
    const chosen = embedding === null ? undefined : entryNamed(obsm, embedding)
    return {
      embeddings: listEmbeddings(obsm, nObs),
      defaultEmbedding: chosen?.key ?? defaultEmbedding(description),
      defaultColor: this.#defaultColor(description),
    }
  }

  /** Without the index of names: a kernel has checked the name itself, and the gene's own read finds it. */
  #defaultColor(description: Description): ColorBy | null {
    const { color } = this.#options
    if (color === null || this.#checkedColor !== null) return this.#checkedColor
    const isField = description.obs.some(({ key }) => key === color)
    return isField ? { axis: 'obs', key: color } : { axis: 'var', key: color, matrix: this.#matrix(null, description) }
  }

  /** Genes are asked for by the names that var has for them. */
  #matrices({ matrices, varColumns, varColumnVersions }: Description): MatrixEntry[] {
    const labels = varColumnVersions?.[varColumns.indexOf(this.#options.geneSymbols ?? '')]
    return labels === undefined
      ? matrices
      : matrices.map((entry) => ({ ...entry, version: `${entry.version}/${labels}` }))
  }

  /** What genes are read from where `asked` does not say. */
  #matrix(asked: Matrix | null, description: Description): Matrix {
    return asked ?? this.#options.matrix ?? usualMatrix(description)
  }

  async #resolve(field: string, asked: Matrix | null, description: Description, signal: AbortSignal): Promise<ColorBy> {
    if (asked?.in === 'raw') checkMatrix(description, asked)
    const key = fieldNamed(description, field)
    if (key !== null) return { axis: 'obs', key }
    const matrix = this.#matrix(asked, description)
    checkMatrix(description, matrix)
    const gene = await this.#genes.keyOf(field, matrix, description, signal)
    if (gene !== null) return { axis: 'var', key: gene, matrix }
    const table = varTableOf(matrix)
    throw unknownColor(field, {
      index: await this.#genes.index(table, description, signal),
      table,
      description,
      isElsewhere: await this.#genes.isElsewhere(field, table, description, signal),
    })
  }

  async #describe(signal: AbortSignal): Promise<Description> {
    const version = await this.#reader.version(signal)
    if (this.#known?.version === version) return this.#known.description
    const known = await this.#descriptions.read(version, signal, async (shared) => {
      return { version, description: await this.#reader.describe(shared) }
    })
    if (this.#known?.version !== version) {
      this.#known = known
      this.#lateNotes.clear()
    }
    return known.description
  }

  #findEmbedding(description: Description, key: string): Description['obsm'][number] {
    const { obsm, nObs } = description
    const keys = obsm.map((each) => each.key)
    const match = matchEntry(obsm, key)
    if (match.kind === 'several') {
      const found = `embedding=${quoted(key)} could be any of ${listed(match.keys)}`
      throw new DataError('unknown_embedding', `${found}. Write the name of one as it stands in obsm.`)
    }
    const entry = entryNamed(obsm, key)
    if (entry === undefined) {
      throw new DataError(
        'unknown_embedding',
        `embedding=${quoted(key)} is not in obsm, which has ${listed(keys)}.${nearNamesText(key, keys)}`,
      )
    }
    if (entry.reason !== undefined) {
      throw new DataError('unsupported', `obsm ${quoted(entry.key)} cannot be drawn: ${entry.reason}.`)
    }
    if (entry.rows !== undefined && entry.rows !== nObs) {
      const found = `obsm ${quoted(entry.key)} has ${entry.rows} rows, but the dataset has ${nObs} cells`
      throw new DataError('malformed', `${found}. Compute the embedding again on these cells.`)
    }
    return entry
  }

  #toColumn(key: string, array: ObsArray, { nObs, colorCycle }: Description): Column {
    const length = array.form === 'dense' ? array.values.length : array.codes.length
    if (length !== nObs) {
      throw new DataError('malformed', `obs ${quoted(key)} has ${length} values for ${nObs} cells.`)
    }
    if (array.form === 'dense') {
      return { kind: 'dense', values: array.values, ...valueRange(array.values), ...this.#notesOf(key, array) }
    }
    const { codes, categories, ordered } = array
    const { colors, note } = categoryColors({ key, categories, stored: array.colors, cycle: colorCycle })
    const column = {
      kind: 'codes',
      codes,
      categories,
      ordered,
      colors,
      missingCells: countMissingCodes(codes),
    } as const
    if (note === null) return column
    this.#lateNotes.add(note)
    return { ...column, colorNote: note }
  }

  #notesOf(key: string, { note, hasColors }: Extract<ObsArray, { form: 'dense' }>): { note?: string } {
    if (hasColors !== true) return noteOf({ note })
    const ignored = numbersNote(key)
    this.#lateNotes.add(ignored)
    return { note: note === undefined ? ignored : `${note} ${ignored}` }
  }
}

function notComparable(): DataError {
  const advice = "Show the AnnData it was made of, a file of it, or one modality, such as mdata['rna']"
  return new DataError(
    'unsupported',
    `Groups of cells cannot be compared in a MuData or an exported folder. ${advice}.`,
  )
}

/** The key of an obs column by its name. @throws DataError `ambiguous` where several modalities have it */
function fieldNamed({ obs }: Description, name: string): string | null {
  if (obs.some(({ key }) => key === name)) return name
  const keys = obs.flatMap(({ key, aliases = [] }) => (aliases.includes(name) ? [key] : []))
  if (keys.length <= 1) return keys[0] ?? null
  throw new DataError('ambiguous', `${quoted(name)} is a column of several modalities. Ask for one of ${listed(keys)}.`)
}

function checkSize(values: number, what: string): void {
  if (values * 4 <= MAX_EMBEDDING_BYTES) return
  const size = `${(values * 4).toLocaleString('en')} bytes`
  throw new DataError(
    'too_large',
    `${what} would take ${size}; the limit is ${MAX_EMBEDDING_BYTES.toLocaleString('en')}.`,
  )
}

/** By its key, else by what a modality's own is called: `umap` where one has it, `rna:umap` always. */
function matchEntry(obsm: Description['obsm'], name: string): EmbeddingMatch {
  const match = matchEmbedding(
    obsm.map(({ key }) => key),
    name,
  )
  if (match.kind !== 'none') return match
  const aliases = obsm.flatMap(({ key, aliases: others = [] }) => others.map((alias) => [alias, key] as const))
  const meant = matchEmbedding([...new Set(aliases.map(([alias]) => alias))], name)
  const found = meant.kind === 'one' ? [meant.key] : meant.kind === 'several' ? meant.keys : []
  const keys = [...new Set(aliases.flatMap(([alias, key]) => (found.includes(alias) ? [key] : [])))]
  const [only] = keys
  if (only === undefined) return { kind: 'none' }
  return keys.length === 1 ? { kind: 'one', key: only } : { kind: 'several', keys }
}

/** `umap` names `X_umap`, as in scanpy. */
function entryNamed(obsm: Description['obsm'], name: string): Description['obsm'][number] | undefined {
  const match = matchEntry(obsm, name)
  return match.kind === 'one' ? obsm.find(({ key }) => key === match.key) : undefined
}

function geneColumn(gene: GeneArray, nObs: number, what: string): Column {
  const n = gene.form === 'dense' ? gene.values.length : gene.n
  if (n !== nObs) throw new DataError('malformed', `The ${what} has ${n} values for ${nObs} cells.`)
  if (gene.form === 'dense') {
    return { kind: 'dense', values: gene.values, ...valueRange(gene.values), ...noteOf(gene) }
  }
  const { rows, values } = gene
  return { kind: 'sparse', n, rows, values, ...valueRange(values, rows.length < n), ...noteOf(gene) }
}

function noteOf({ note }: { note?: string | undefined }): { note?: string } {
  return note === undefined ? {} : { note }
}
