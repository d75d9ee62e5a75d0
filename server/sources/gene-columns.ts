import { createHash } from 'node:crypto'
import type { GeneArray, Progress } from './anndata-reader.ts'
import type { ColumnFolder, Part } from './column-folder.ts'
import { ColumnStore, STORE_FORMAT } from './column-store.ts'
import { DataError } from './data-source.ts'
import type { MatrixInfo } from './stored/matrix.ts'
import type { StoredThread } from './stored-thread.ts'

/** Fewer stored values than this are looked through in a few milliseconds. */
const MIN_STORED_VALUES = 2_000_000
/** Bytes of a stored value: its row and itself. */
const VALUE_BYTES = 8
/** A block takes 12 bytes a value while it is sorted. */
const MIN_BLOCK_VALUES = 16 << 20
const MAX_BLOCK_VALUES = 128 << 20
/** Blocks of a store, each of them one read of a gene. */
const WANTED_BLOCKS = 64

/** What the matrices of one opened file have to do with their columns. */
export type GeneColumnsParts = {
  thread: StoredThread
  /** A second thread on the same file, for building. */
  startThread: (signal: AbortSignal) => Promise<StoredThread>
  folder: ColumnFolder | null
  /** Names the file's bytes, not only its path. */
  version: string
  minStored?: number
}

type State = { store: ColumnStore | null; key: string; isBuilding: boolean; note: string | null; done: number }

/**
 * Genes of the matrices of one file. From a matrix stored by columns they are read as they are. One stored by rows is
 * scanned for the first gene, and then sorted by genes into the cache folder in the background; what is sorted already
 * is read from there, the rest scanned.
 */
export class GeneColumns {
  readonly #parts: GeneColumnsParts
  /** Of one state of the file, so that a sorted gene does not wait for what its thread does. */
  readonly #infos = new Map<string | null, MatrixInfo>()
  readonly #states = new Map<string | null, Promise<State | null>>()
  readonly #ended = new AbortController()

  constructor(parts: GeneColumnsParts) {
    this.#parts = parts
  }

  async gene(index: number, layer: string | null, signal: AbortSignal): Promise<GeneArray> {
    const info = await this.#info(layer, signal)
    const state = isWorthSorting(info, this.#parts.minStored) ? await this.#state(layer, info) : null
    const stored = state === null ? null : await this.#fromStore(state, index)
    signal.throwIfAborted()
    if (stored !== null && stored.endRow === info.rows) {
      return { form: 'sparse', n: info.rows, rows: stored.rows, values: stored.values }
    }
    const start = stored?.endRow ?? 0
    const what =
      start === 0 ? ({ what: 'var', index, layer } as const) : ({ what: 'varFrom', index, layer, start } as const)
    // The thread answers with what StoredAnnData says.
    const scanned = (await this.#parts.thread.read(what, signal)) as GeneArray
    if (state !== null) this.#buildSoon(state, layer, info)
    return stored === null ? scanned : joined(stored, scanned)
  }

  /** How far sorting is, 0 to 1, or `null` where nothing is being sorted; and what there is to say about it. */
  async progress(): Promise<Progress> {
    const states = (await Promise.all(this.#states.values())).filter((state) => state !== null)
    const building = states.filter(({ isBuilding }) => isBuilding)
    const done = building.length === 0 ? null : Math.min(...building.map((state) => state.done))
    return { done, notes: states.flatMap(({ note }) => (note === null ? [] : [note])) }
  }

  /** Stop what is being built, and let files go. */
  async end(reason: DataError): Promise<void> {
    this.#ended.abort(reason)
    for (const state of await Promise.all(this.#states.values())) await state?.store?.close()
    this.#states.clear()
  }

  async #info(layer: string | null, signal: AbortSignal): Promise<MatrixInfo> {
    const known = this.#infos.get(layer)
    if (known !== undefined) return known
    const info = (await this.#parts.thread.read({ what: 'matrix', layer }, signal)) as MatrixInfo // as above
    this.#infos.set(layer, info)
    return info
  }

  #state(layer: string | null, info: MatrixInfo): Promise<State | null> {
    const known = this.#states.get(layer) ?? this.#findStore(layer, info)
    this.#states.set(layer, known)
    return known
  }

  async #findStore(layer: string | null, info: MatrixInfo): Promise<State | null> {
    const { folder, version } = this.#parts
    if (folder === null) return null
    const place = `${version}\n${layer === null ? 'X' : `layer ${layer}`}\n${STORE_FORMAT}`
    const key = createHash('sha256').update(place).digest('hex').slice(0, 32)
    const found = await folder.find(key)
    const store = found === null ? null : await openStore(found, info)
    if (found !== null && store === null) await folder.discard(key)
    return { store, key, isBuilding: false, note: null, done: store === null ? 0 : 1 }
  }

  async #fromStore(state: State, index: number) {
    try {
      return (await state.store?.column(index)) ?? null
    } catch {
      // Somebody else wrote into it: it is removed, and built again.
      await state.store?.close()
      state.store = null
      await this.#parts.folder?.discard(state.key)
      return null
    }
  }

  #buildSoon(state: State, layer: string | null, info: MatrixInfo): void {
    if (state.isBuilding || state.store !== null || state.note !== null || this.#ended.signal.aborted) return
    state.isBuilding = true
    void this.#build(state, layer, info).finally(() => {
      state.isBuilding = false
    })
  }

  async #build(state: State, layer: string | null, info: MatrixInfo): Promise<void> {
    const part = await this.#parts.folder?.begin(state.key, info.stored * VALUE_BYTES)
    if (part === null || part === undefined) {
      state.note = 'Genes take seconds: there is no room for them, sorted by gene, in your cache folder.'
      return
    }
    try {
      await this.#fill(part, state, layer, info)
    } catch (error) {
      state.store = null
      await part.file.close()
      await part.abandon()
      if (!this.#ended.signal.aborted) state.note = `Genes take seconds: sorting them failed (${messageOf(error)})`
    }
  }

  async #fill(part: Part, state: State, layer: string | null, info: MatrixInfo): Promise<void> {
    const { signal } = this.#ended
    const thread = await this.#parts.startThread(signal)
    const store = new ColumnStore(part.file, info.columns)
    const blockValues = Math.min(MAX_BLOCK_VALUES, Math.max(MIN_BLOCK_VALUES, Math.ceil(info.stored / WANTED_BLOCKS)))
    try {
      await thread.build({ layer, fd: part.file.fd, blockValues }, signal, (block) => {
        store.add(block)
        state.store = store
        state.done = store.endRow / Math.max(1, info.rows)
      })
      await part.finish(store.encodeIndex())
    } finally {
      await thread.end(new DataError('closed', 'The genes are sorted.'))
    }
  }
}

function isWorthSorting(info: MatrixInfo, minStored = MIN_STORED_VALUES): boolean {
  return info.format === 'csr' && info.stored >= minStored
}

async function openStore(folder: string, info: MatrixInfo): Promise<ColumnStore | null> {
  return ColumnStore.open(folder, info.rows, info.columns).catch(() => null)
}

function joined(stored: { rows: Uint32Array; values: Float32Array }, scanned: GeneArray): GeneArray {
  if (scanned.form === 'dense') return scanned
  const rows = new Uint32Array(stored.rows.length + scanned.rows.length)
  const values = new Float32Array(rows.length)
  rows.set(stored.rows)
  rows.set(scanned.rows, stored.rows.length)
  values.set(stored.values)
  values.set(scanned.values, stored.rows.length)
  return { form: 'sparse', n: scanned.n, rows, values }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
