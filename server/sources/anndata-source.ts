import { randomBytes } from 'node:crypto'
import type { Column, Embedding } from '../../protocol/column-frame.ts'
import type { GeneNames, Identity } from '../../protocol/identity.ts'
import type { OpenOptions } from '../../protocol/pipe.ts'
import type { ColorBy } from '../../protocol/state.ts'
import { GeneIndex } from '../gene-index.ts'
import { SharedReads } from '../shared-reads.ts'
import type { AnnDataReader, Description, GeneArray, ObsArray, Progress } from './anndata-reader.ts'
import { parseColor } from './colors.ts'
import { DataError, type DataSource, type Defaults, type Rows } from './data-source.ts'
import { defaultEmbedding, isImageSpace, listEmbeddings } from './embedding-choice.ts'
import { listed, nearNamesText, quoted } from './near-names.ts'
import { normalisePositions } from './positions.ts'
import { ambiguousGene, layerText, noEmbedding, unknownColor, unknownGene, unknownLayer } from './refusals.ts'
import { countMissingCodes, valueRange } from './value-range.ts'

/** One embedding in memory. */
const MAX_EMBEDDING_BYTES = 1 << 30
/** How long a page waits to hear what is new in a busy kernel before it is told what was known. */
const REFRESH_PATIENCE_MS = 250
/** Names for hover, at most so many a question. */
const MAX_CELL_NAMES = 1000

/** The layer by which raw is asked for; it has its own var. */
const RAW = 'raw'
/** The layer by which X is asked for where the default is another one. */
const X = 'X'

type Known = { version: string; description: Description }

/**
 * An AnnData as a DataSource, wherever its arrays live: choice of embedding, gene names, colours, defaults and
 * refusals are the same for a file, a store and a kernel.
 */
export class AnnDataSource implements DataSource {
  readonly id = randomBytes(8).toString('hex')
  readonly kind: Identity['kind']
  readonly #reader: AnnDataReader
  readonly #name: string
  readonly #options: OpenOptions
  readonly #descriptions = new SharedReads<Known>()
  readonly #indexReads = new SharedReads<GeneIndex>()
  readonly #indices = new Map<string, GeneIndex>()
  /** Found while reading columns, so they join the identity's notes late. */
  readonly #lateNotes = new Set<string>()
  readonly #closed = new AbortController()
  #known: Known | null = null
  #checkedColor: ColorBy | null = null

  constructor(kind: Identity['kind'], reader: AnnDataReader, name: string, options: OpenOptions) {
    this.kind = kind
    this.#reader = reader
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
    const { embedding, layer, geneIdColumn, color } = this.#options
    if (embedding !== null) this.#findEmbedding(description, embedding)
    else if (defaultEmbedding(description) === null) throw noEmbedding(description)
    if (layer !== null) checkLayer(description, layer)
    if (geneIdColumn !== null && !description.varColumns.includes(geneIdColumn)) {
      const near = nearNamesText(geneIdColumn, description.varColumns)
      throw new DataError(
        'unknown_column',
        `gene_id_column=${quoted(geneIdColumn)} is not a column of var, which has ${listed(description.varColumns)}.${near}`,
      )
    }
    if (color !== null) this.#checkedColor = await this.#resolve(color, description, stop)
  }

  async identity(signal: AbortSignal): Promise<Identity> {
    const stop = this.#stopOf(signal)
    await this.catchUp(stop)
    const description = await this.#describe(stop)
    const { nObs, nVar, obs, layers, rawVar, notes } = description
    const { layer, geneIdColumn } = this.#options
    return {
      ...this.#defaultsOf(description),
      name: this.#name,
      kind: this.kind,
      nObs,
      nVar,
      version: description.version,
      obs: obs.map(({ key, kind, reason }) => (reason === undefined ? { key, kind } : { key, kind, reason })),
      layers: [...layers],
      hasRaw: rawVar !== null,
      geneIdColumn,
      defaultLayer: layer === X ? null : layer,
      notes: [...notes, ...this.#lateNotes, ...(await this.#reader.progress()).notes],
    }
  }

  async defaults(signal: AbortSignal): Promise<Defaults> {
    return this.#defaultsOf(await this.#describe(this.#stopOf(signal)))
  }

  async version(signal: AbortSignal): Promise<string> {
    const stop = this.#stopOf(signal)
    return this.#reader.version(stop)
  }

  async exportFile(path: string, signal: AbortSignal): Promise<Uint8Array | null> {
    return (await this.#reader.exportFile?.(path, this.#stopOf(signal))) ?? null
  }

  async embedding(key: string | null, dimensions: number, signal: AbortSignal): Promise<Embedding> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    const { nObs } = description
    const wanted = key ?? this.#options.embedding ?? defaultEmbedding(description)
    if (wanted === null) throw noEmbedding(description)
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
    return { kind: 'embedding', key: entry.key, dimensions, ...normalised, yDown: isImageSpace(entry.key) }
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
    return this.#toColumn(key, await this.#reader.obs(key, stop), description.nObs)
  }

  async gene(key: string, layer: string | null, signal: AbortSignal): Promise<Column> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    const wanted = layer ?? this.#options.layer
    const stored = wanted === X ? null : wanted
    checkLayer(description, stored ?? X)
    const index = await this.#geneIndex(stored, description, stop)
    const match = index.find(key)
    if (match.kind === 'none') throw unknownGene(key, index, description, stored)
    if (match.kind === 'several') throw ambiguousGene(key, match.keys)
    const gene = await this.#reader.gene(match.index, stored, stop)
    return geneColumn(gene, description.nObs, `gene ${quoted(key)}${layerText(stored)}`)
  }

  async genes(query: string, limit: number, signal: AbortSignal): Promise<GeneNames> {
    const stop = this.#stopOf(signal)
    const description = await this.#describe(stop)
    const index = await this.#geneIndex(this.#options.layer, description, stop)
    return index.search(query, limit)
  }

  async cellNames(rows: Rows, signal: AbortSignal): Promise<readonly string[]> {
    const stop = this.#stopOf(signal)
    const { nObs } = await this.#describe(stop)
    const start = Math.min(Math.max(rows.start, 0), nObs)
    const end = Math.min(Math.max(rows.end, start), nObs, start + MAX_CELL_NAMES)
    return start === end ? [] : this.#reader.obsNames({ start, end }, stop)
  }

  async resolveColor(field: string, signal: AbortSignal): Promise<ColorBy> {
    const stop = this.#stopOf(signal)
    await this.refresh(stop)
    return this.#resolve(field, await this.#describe(stop), stop)
  }

  progress(): Promise<Progress> {
    return this.#reader.progress()
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
  #defaultColor({ obs }: Description): ColorBy | null {
    const { color, layer } = this.#options
    if (color === null || this.#checkedColor !== null) return this.#checkedColor
    const isField = obs.some(({ key }) => key === color)
    return isField ? { axis: 'obs', key: color } : { axis: 'var', key: color, layer: layer === X ? null : layer }
  }

  async #resolve(field: string, description: Description, signal: AbortSignal): Promise<ColorBy> {
    if (description.obs.some(({ key }) => key === field)) return { axis: 'obs', key: field }
    const layer = this.#options.layer === X ? null : this.#options.layer
    const index = await this.#geneIndex(layer, description, signal)
    const match = index.find(field)
    if (match.kind === 'one') return { axis: 'var', key: index.keyAt(match.index), layer }
    if (match.kind === 'several') throw ambiguousGene(field, match.keys)
    // As scanpy does: what was dropped from X may still be in raw.
    if (layer === null && description.rawVar !== null) {
      const raw = await this.#geneIndex(RAW, description, signal)
      const inRaw = raw.find(field)
      if (inRaw.kind === 'one') return { axis: 'var', key: raw.keyAt(inRaw.index), layer: RAW }
    }
    throw unknownColor(field, index, description)
  }

  async #describe(signal: AbortSignal): Promise<Description> {
    const version = await this.#reader.version(signal)
    if (this.#known?.version === version) return this.#known.description
    const known = await this.#descriptions.read(version, signal, async (shared) => {
      return { version, description: await this.#reader.describe(shared) }
    })
    if (this.#known?.version !== version) {
      this.#known = known
      this.#indices.clear()
      this.#lateNotes.clear()
    }
    return known.description
  }

  async #geneIndex(layer: string | null, description: Description, signal: AbortSignal): Promise<GeneIndex> {
    const table = layer === RAW ? RAW : X
    const kept = this.#indices.get(table)
    if (kept !== undefined) return kept
    const varLayer = layer === RAW ? RAW : null
    const index = await this.#indexReads.read(`${table} ${description.version}`, signal, async (shared) => {
      // raw.var need not have the column; its index still names genes.
      const column = varLayer === RAW ? null : this.#options.geneIdColumn
      // Both at once, and both waited for: a read that fails with nobody listening ends the server.
      const [ids, labels] = await Promise.all([
        this.#reader.varNames(null, varLayer, shared),
        column === null ? null : this.#reader.varNames(column, varLayer, shared),
      ])
      return new GeneIndex(ids, labels)
    })
    if (this.#known?.description.version === description.version) this.#indices.set(table, index)
    return index
  }

  #findEmbedding(description: Description, key: string): Description['obsm'][number] {
    const { obsm, nObs } = description
    const entry = entryNamed(obsm, key)
    const keys = obsm.map((each) => each.key)
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

  #toColumn(key: string, array: ObsArray, nObs: number): Column {
    const length = array.form === 'dense' ? array.values.length : array.codes.length
    if (length !== nObs) {
      throw new DataError('malformed', `obs ${quoted(key)} has ${length} values for ${nObs} cells.`)
    }
    if (array.form === 'dense') return { kind: 'dense', values: array.values, ...valueRange(array.values) }
    const { codes, categories, ordered } = array
    const colors = this.#checkColors(key, array.colors, categories.length)
    return { kind: 'codes', codes, categories, ordered, colors, missingCells: countMissingCodes(codes) }
  }

  /** Colours of `uns`, or `null` and a note where they do not fit the categories. */
  #checkColors(key: string, stored: readonly string[] | null, categoryCount: number): readonly string[] | null {
    if (stored === null) return null
    const where = `uns ${quoted(`${key}_colors`)}`
    if (stored.length !== categoryCount) {
      this.#lateNotes.add(
        `${where} has ${stored.length} colours for ${categoryCount} categories: the default palette is used.`,
      )
      return null
    }
    const colors = stored.map(parseColor)
    const unknown = stored.find((_, i) => colors[i] === null)
    if (unknown === undefined) return colors.filter((color) => color !== null)
    this.#lateNotes.add(`${where} holds ${quoted(unknown)}, which is no colour: the default palette is used.`)
    return null
  }
}

function checkSize(values: number, what: string): void {
  if (values * 4 <= MAX_EMBEDDING_BYTES) return
  const size = `${(values * 4).toLocaleString('en')} bytes`
  throw new DataError(
    'too_large',
    `${what} would take ${size}; the limit is ${MAX_EMBEDDING_BYTES.toLocaleString('en')}.`,
  )
}

/** `umap` names `X_umap`, as in scanpy. */
function entryNamed(obsm: Description['obsm'], key: string): Description['obsm'][number] | undefined {
  return obsm.find((each) => each.key === key) ?? obsm.find((each) => each.key === `X_${key}`)
}

function checkLayer(description: Description, layer: string): void {
  if (layer === X) {
    if (description.hasX) return
    const found = description.layers.length > 0 ? `It has the layers ${listed(description.layers)}` : 'It has no layers'
    const raw = description.rawVar === null ? '' : ', and raw'
    throw new DataError('not_found', `The dataset has no X. ${found}${raw}. Pass layer= to choose one.`)
  }
  if (layer === RAW && description.rawVar !== null) return
  if (description.layers.includes(layer)) return
  throw unknownLayer(layer, description)
}

function geneColumn(gene: GeneArray, nObs: number, what: string): Column {
  const n = gene.form === 'dense' ? gene.values.length : gene.n
  if (n !== nObs) throw new DataError('malformed', `The ${what} has ${n} values for ${nObs} cells.`)
  if (gene.form === 'dense') return { kind: 'dense', values: gene.values, ...valueRange(gene.values) }
  const { rows, values } = gene
  return { kind: 'sparse', n, rows, values, ...valueRange(values, rows.length < n) }
}
