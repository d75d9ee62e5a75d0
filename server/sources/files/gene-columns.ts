import { createHash } from 'node:crypto'
import type { GeneArray } from '../../../data/anndata/anndata-reader.ts'
import type { Progress } from '../../../data/data-source.ts'
import { DataError } from '../../../data/data-source.ts'
import type { ColumnBlock } from '../../../data/elements/column-blocks.ts'
import type { MatrixInfo } from '../../../data/elements/matrix.ts'
import { fitsFloat32, geneValues, joinedValues } from '../../../data/values/value-type.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { type Matrix, matrixKey } from '../../../protocol/matrix.ts'
import { ColumnStore, STORE_FORMAT, type StoredRows } from '../csc-cache/csc-file.ts'
import type { ColumnFolder, Part } from '../csc-cache/csc-folder.ts'
import type { PartPath } from './reader-messages.ts'
import type { StoredThread } from './reader-thread.ts'

/** Fewer stored values than this are looked through in a few milliseconds. */
const MIN_STORED_VALUES = 2_000_000
/** Bytes of a stored value: its row and itself, which may need a double. */
const VALUE_BYTES = 8
const WIDE_VALUE_BYTES = 12
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
  /** Where in the file the AnnData stands. */
  part?: PartPath
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
  readonly #infos = new Map<string, MatrixInfo>()
  readonly #states = new Map<string, Promise<State | null>>()
  readonly #ended = new AbortController()

  constructor(parts: GeneColumnsParts) {
    this.#parts = parts
  }

  async gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    const info = await this.#info(matrix, signal)
    const state = isWorthSorting(info, this.#parts.minStored) ? await this.#state(matrix, info) : null
    const stored = state === null ? null : await this.#fromStore(state, index)
    signal.throwIfAborted()
    if (stored !== null && stored.endRow === info.rows) {
      return { form: 'sparse', n: info.rows, rows: stored.rows, ...geneValues(stored.values, info.type) }
    }
    const start = stored?.endRow ?? 0
    const what =
      start === 0 ? ({ what: 'var', index, matrix } as const) : ({ what: 'varFrom', index, matrix, start } as const)
    // The thread answers with what StoredAnnData says.
    const scanned = (await this.#parts.thread.read(what, signal, this.#parts.part)) as GeneArray
    if (state !== null) this.#buildSoon(state, matrix, info)
    return stored === null || scanned.form === 'dense' ? scanned : joined(stored, scanned, info)
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

  async #info(matrix: Matrix, signal: AbortSignal): Promise<MatrixInfo> {
    const known = this.#infos.get(matrixKey(matrix))
    if (known !== undefined) return known
    const { thread, part } = this.#parts
    const info = (await thread.read({ what: 'matrix', matrix }, signal, part)) as MatrixInfo // as above
    this.#infos.set(matrixKey(matrix), info)
    return info
  }

  #state(matrix: Matrix, info: MatrixInfo): Promise<State | null> {
    const known = this.#states.get(matrixKey(matrix)) ?? this.#findStore(matrix, info)
    this.#states.set(matrixKey(matrix), known)
    return known
  }

  async #findStore(matrix: Matrix, info: MatrixInfo): Promise<State | null> {
    const { folder, version, part = '' } = this.#parts
    if (folder === null) return null
    const within = part === '' ? matrixKey(matrix) : `${part}/${matrixKey(matrix)}`
    const place = `${version}\n${within}\n${STORE_FORMAT}`
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

  #buildSoon(state: State, matrix: Matrix, info: MatrixInfo): void {
    if (state.isBuilding || state.store !== null || state.note !== null || this.#ended.signal.aborted) return
    state.isBuilding = true
    void this.#build(state, matrix, info).finally(() => {
      state.isBuilding = false
    })
  }

  async #build(state: State, matrix: Matrix, info: MatrixInfo): Promise<void> {
    const part = await this.#parts.folder?.begin(
      state.key,
      info.stored * (fitsFloat32(info.type) ? VALUE_BYTES : WIDE_VALUE_BYTES),
    )
    if (part === null || part === undefined) {
      state.note = 'Genes take seconds: there is no room for them, sorted by gene, in your cache folder.'
      return
    }
    try {
      await this.#fill(part, state, matrix, info)
    } catch (error) {
      state.store = null
      await part.file.close()
      await part.abandon()
      if (!this.#ended.signal.aborted) state.note = `Genes take seconds: sorting them failed (${messageOf(error)})`
    }
  }

  async #fill(part: Part, state: State, matrix: Matrix, info: MatrixInfo): Promise<void> {
    const { signal } = this.#ended
    const thread = await this.#parts.startThread(signal)
    const store = new ColumnStore(part.file, info.columns)
    const blockValues = Math.min(MAX_BLOCK_VALUES, Math.max(MIN_BLOCK_VALUES, Math.ceil(info.stored / WANTED_BLOCKS)))
    try {
      const request = { matrix, fd: part.file.fd, blockValues }
      const take = (block: ColumnBlock) => {
        store.add(block)
        state.store = store
        state.done = store.endRow / Math.max(1, info.rows)
      }
      await thread.build(request, signal, take, this.#parts.part)
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

function joined(stored: StoredRows, scanned: Extract<GeneArray, { form: 'sparse' }>, info: MatrixInfo): GeneArray {
  const rows = new Uint32Array(stored.rows.length + scanned.rows.length)
  rows.set(stored.rows)
  rows.set(scanned.rows, stored.rows.length)
  const values = joinedValues(stored.values, scanned.values)
  return { form: 'sparse', n: scanned.n, rows, ...geneValues(values, info.type) }
}
