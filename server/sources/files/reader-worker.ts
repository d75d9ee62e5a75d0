import { setImmediate } from 'node:timers/promises'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { DataError } from '../../../data/data-source.ts'
import { missingPart } from '../../../data/elements/element.ts'
import { StoredAnnData } from '../../../data/elements/stored-anndata.ts'
import type { StoredGroup, Turn } from '../../../data/stored-tree.ts'
import { loadCodecs } from '../../../data/zarr/zarr-codecs.ts'
import type { ZarrStore } from '../../../data/zarr/zarr-store.ts'
import { openZarr } from '../../../data/zarr/zarr-tree.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { writerOf } from '../csc-cache/csc-file.ts'
import { firstFilePath } from '../hdf5/first-file.ts'
import { type Hdf5Library, loadHdf5 } from '../hdf5/h5wasm.ts'
import { Hdf5File } from '../hdf5/hdf5-file.ts'
import { rootOf } from '../hdf5/hdf5-tree.ts'
import { FileGuard } from '../hdf5/patches/file-guard.ts'
import { repairLzf } from '../hdf5/patches/lzf-repair.ts'
import { findPlugins } from '../hdf5/plugin-folder.ts'
import { FolderStore } from '../zarr/folder-store.ts'
import { HttpStore } from '../zarr/http-store.ts'
import { NODE_UNPACKERS } from '../zarr/node-unpackers.ts'
import { ZipStore } from '../zarr/zip-store.ts'
import type { StoredPlace } from './file-location.ts'
import { isStoredWorkerData, type PartPath, type StoredReply, type StoredRequest } from './reader-messages.ts'
import { rehearse } from './rehearsal.ts'

/** True in a thread that was started to read a file or store. */
export function isStoredWorker(): boolean {
  return !isMainThread && isStoredWorkerData(workerData)
}

/** The life of a thread that reads one file or store: load the library, open it, answer reads until it is ended. */
export function runStoredWorker(): void {
  const port = parentPort
  if (port === null || !isStoredWorkerData(workerData)) throw new Error('Not started as a reader of files.')
  const reader = new FileReader(new Int32Array(workerData.progress), (reply, transfer) =>
    port.postMessage(reply, transfer),
  )
  // The main thread sends nothing but StoredRequests.
  port.on('message', (request: StoredRequest) => reader.take(request))
  void reader.rehearse()
}

type Send = (reply: StoredReply, transfer: ArrayBuffer[]) => void

class FileReader {
  readonly #progress: Int32Array
  readonly #send: Send
  readonly #loading = loadGuarded()
  readonly #aborts = new Map<number, AbortController>()
  #isAsked = false
  #file: Hdf5File | null = null
  #top: { root: StoredGroup; place: string } | null = null
  readonly #parts = new Map<PartPath, StoredAnnData>()

  constructor(progress: Int32Array, send: Send) {
    this.#progress = progress
    this.#send = send
  }

  /** Until the first request comes. */
  async rehearse(): Promise<void> {
    const turn = async () => {
      await setImmediate()
      if (this.#isAsked) throw new Error('There is a file to read.')
    }
    try {
      const { library, guard } = await this.#loading
      const path = firstFilePath()
      guard.allow(path)
      await turn()
      await rehearse(library, path, turn)
    } catch {
      // Whoever asks then waits for what was left out, or is told why nothing can be read.
    }
  }

  take(request: StoredRequest): void {
    this.#isAsked = true
    switch (request.kind) {
      case 'open':
        void this.#answer(request.id, () => this.#open(request.place))
        break
      case 'read':
        void this.#answer(request.id, (turn) => this.#read(request, turn))
        break
      case 'abort':
        this.#aborts.get(request.id)?.abort()
        break
    }
  }

  async #answer(id: number, work: (turn: Turn) => Promise<unknown>): Promise<void> {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    const turn = async () => {
      this.#tick()
      await setImmediate()
      abort.signal.throwIfAborted()
    }
    try {
      const answer = await work(turn)
      this.#send({ kind: 'answer', id, answer }, buffersOf(answer))
    } catch (error) {
      // Nobody waits for the answer to an aborted read.
      if (!abort.signal.aborted) this.#send({ kind: 'refusal', id, ...refusalOf(error) }, [])
    } finally {
      this.#aborts.delete(id)
      if (this.#file?.hasFailed === true) this.#send({ kind: 'spoilt' }, [])
    }
  }

  async #open(place: StoredPlace): Promise<null> {
    const root =
      place.format === 'h5ad'
        ? await this.#openHdf5(place.path)
        : await openZarr(await this.#openStore(place), place.path)
    this.#top = { root, place: place.path }
    this.#parts.clear()
    return null
  }

  async #openHdf5(path: string): Promise<StoredGroup> {
    const { library, guard, filters } = await this.#loading
    this.#tick()
    guard.allow(path)
    this.#file = new Hdf5File(library, path, { plugins: filters, tick: () => this.#tick() })
    return rootOf(this.#file)
  }

  async #openStore({ format, path }: StoredPlace): Promise<ZarrStore> {
    await this.#loading
    this.#tick()
    if (format === 'zarr-url') return new HttpStore(path, () => this.#tick())
    return format === 'zarr-zip' ? ZipStore.open(path) : new FolderStore(path)
  }

  #tick(): void {
    Atomics.add(this.#progress, 0, 1)
  }

  async #part(part: PartPath): Promise<StoredAnnData> {
    const known = this.#parts.get(part)
    if (known !== undefined) return known
    if (this.#top === null) throw new DataError('closed', 'The file is not open.')
    const { root, place } = this.#top
    const node = part === '' ? root : await root.get(part)
    if (node?.kind !== 'group') throw await missingPart(root, part)
    const data = new StoredAnnData(node, place)
    this.#parts.set(part, data)
    return data
  }

  async #read({ id, part, read }: Extract<StoredRequest, { kind: 'read' }>, turn: Turn): Promise<unknown> {
    const data = await this.#part(part)
    switch (read.what) {
      case 'describe':
        return data.describe('', turn)
      case 'obsm':
        return data.obsm(read.key, read.columns, read, turn)
      case 'obs':
        return data.obs(read.key, turn)
      case 'var':
        return data.gene(read.index, read.matrix, turn)
      case 'matrix':
        return data.matrixInfo(read.matrix)
      case 'varFrom':
        return data.geneFrom(read.index, read.matrix, read.start, turn)
      case 'compare':
        return data.compare(read.matrix, read.plan, (done) => this.#send({ kind: 'progress', id, done }, []), turn)
      case 'buildColumns':
        await data.buildColumns(
          read.matrix,
          { write: writerOf(read.fd), blockValues: read.blockValues },
          (block) => this.#send({ kind: 'block', id, block }, []),
          turn,
        )
        return null
      case 'varNames':
        return data.varNames(read.column, read.table, turn)
      case 'modalities':
        return data.modalities()
      case 'cellMap':
        return data.cellMap(read.modality, turn)
      case 'obsNames':
        return data.obsNames(read, turn)
    }
  }
}

type Loaded = { library: Hdf5Library; guard: FileGuard; filters: ReadonlySet<number> }

/** Loading reads the library's own files, so the guard comes after it, and before any dataset. */
async function loadGuarded(): Promise<Loaded> {
  const [library] = await Promise.all([loadHdf5(), loadCodecs(NODE_UNPACKERS)])
  const { folder, files, filters } = findPlugins()
  const guard = new FileGuard()
  for (const file of [folder, ...files]) guard.allow(file)
  if (files.length > 0) {
    library.insert_plugin_search_path(folder, 0)
    repairLzf(library)
  }
  return { library, guard, filters }
}

function refusalOf(error: unknown): Pick<Extract<StoredReply, { kind: 'refusal' }>, 'code' | 'message'> {
  if (error instanceof DataError) return { code: error.code, message: error.message }
  const reason = messageOf(error)
  return { code: 'malformed', message: `The file cannot be read (${reason.slice(0, 200)}).` }
}

/** Buffers at the first level of an answer: handed over, not copied. */
function buffersOf(answer: unknown): ArrayBuffer[] {
  const values = ArrayBuffer.isView(answer) ? [answer] : Object.values(answer ?? {})
  const views: unknown[] = values
  return views
    .filter((value) => ArrayBuffer.isView(value))
    .map((view) => view.buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer)
}
