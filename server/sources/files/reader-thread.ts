import { Worker } from 'node:worker_threads'
import type { GeneTable } from '../../../data/compare/compare-groups.ts'
import { DataError } from '../../../data/data-source.ts'
import type { ColumnBlock } from '../../../data/elements/column-blocks.ts'
import type { StoredPlace } from './file-location.ts'
import type { PartPath, StoredRead, StoredReply, StoredRequest, StoredWorkerData } from './reader-messages.ts'
import { StallWatch } from './stall-watch.ts'

/** No finished block after so much work: the file makes the library work without end. */
const STALL_TIMEOUT_MS = 10_000
/** Until the library is loaded nothing of the file was touched. */
const LOAD_TIMEOUT_MS = 30_000
/** For names and categories; arrays live outside of this heap and have budgets of their own. */
const MAX_HEAP_MB = 1024

type BuildRequest = Omit<Extract<StoredRead, { what: 'buildColumns' }>, 'what'>
type Pending = {
  take: ((block: ColumnBlock) => void) | null
  progress: ((done: number) => void) | null
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
}

/**
 * A thread that reads one file or store. It ends when it is told to, after the library failed, or when a read finishes no
 * block in ten seconds of work; then it is never used again.
 */
export class StoredThread {
  readonly #worker: Worker
  readonly #progress = new Int32Array(new SharedArrayBuffer(4))
  readonly #pending = new Map<number, Pending>()
  readonly #watch: StallWatch
  #ended: DataError | null = null
  #isRetired = false
  #lastId = 0

  constructor(stallTimeoutMs = STALL_TIMEOUT_MS) {
    const data: StoredWorkerData = { kind: 'stored', progress: this.#progress.buffer }
    // The server's own stdout and stderr carry frames and its log, so what a library prints must not get there. It is
    // not read either, which would keep the process alive; it is a few lines at most.
    const options = { workerData: data, execArgv: [], env: {}, stdout: true, stderr: true }
    this.#worker = new Worker(workerEntry(), { ...options, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } })
    // The worker sends nothing but StoredReplies.
    this.#worker.on('message', (reply: StoredReply) => this.#take(reply))
    this.#worker.on('error', (cause) => this.#finish(brokenOff(cause)))
    this.#worker.on('exit', () => this.#finish(brokenOff()))
    this.#watch = new StallWatch(this.#worker, {
      progress: () => Atomics.load(this.#progress, 0),
      patienceMs: (progress) => (progress === 0 ? LOAD_TIMEOUT_MS : stallTimeoutMs),
      stalled: () => void this.end(stalled(stallTimeoutMs)),
    })
    // A server that waits for nothing else may end.
    this.#worker.unref()
  }

  /** False once it has ended or is about to, for whatever reason. */
  get isAlive(): boolean {
    return this.#ended === null && !this.#isRetired
  }

  /** Open the one place that it reads. */
  async open(place: StoredPlace, signal: AbortSignal): Promise<void> {
    await this.#ask((id) => ({ kind: 'open', id, place }), signal)
  }

  /** @returns what AnnDataReader's method of that name returns */
  read(read: StoredRead, signal: AbortSignal, part: PartPath = ''): Promise<unknown> {
    return this.#ask((id) => ({ kind: 'read', id, part, read }), signal)
  }

  /** Sort a matrix by its genes. @param take gets each block once it stands in the file */
  async build(
    request: BuildRequest,
    signal: AbortSignal,
    take: (block: ColumnBlock) => void,
    part: PartPath = '',
  ): Promise<void> {
    await this.#ask((id) => ({ kind: 'read', id, part, read: { what: 'buildColumns', ...request } }), signal, take)
  }

  /** Compare two groups of cells. @param progress hears the share that is done */
  async compare(
    request: Omit<Extract<StoredRead, { what: 'compare' }>, 'what'>,
    signal: AbortSignal,
    progress: (done: number) => void,
    part: PartPath = '',
  ): Promise<GeneTable> {
    const make = (id: number): StoredRequest => ({ kind: 'read', id, part, read: { what: 'compare', ...request } })
    return (await this.#ask(make, signal, undefined, progress)) as GeneTable // as StoredAnnData answers
  }

  /** Ask nothing more of it; it ends when what is under way is answered. */
  retire(): void {
    this.#isRetired = true
    if (this.#pending.size === 0) void this.end(brokenOff())
  }

  async end(reason: DataError): Promise<void> {
    this.#finish(reason)
    await this.#worker.terminate()
  }

  #ask(
    make: (id: number) => StoredRequest,
    signal: AbortSignal,
    take?: (block: ColumnBlock) => void,
    progress?: (done: number) => void,
  ): Promise<unknown> {
    signal.throwIfAborted()
    if (this.#ended !== null) return Promise.reject(this.#ended)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#worker.postMessage({ kind: 'abort', id } satisfies StoredRequest)
        this.#settle(id)?.reject(signal.reason)
      }
      const stopListening = () => signal.removeEventListener('abort', leave)
      signal.addEventListener('abort', leave, { once: true })
      this.#pending.set(id, {
        take: take ?? null,
        progress: progress ?? null,
        resolve: (answer) => {
          stopListening()
          resolve(answer)
        },
        reject: (error) => {
          stopListening()
          reject(error)
        },
      })
      this.#watch.start()
      this.#worker.postMessage(make(id))
    })
  }

  #take(reply: StoredReply): void {
    this.#watch.moved()
    switch (reply.kind) {
      case 'answer':
        this.#settle(reply.id)?.resolve(reply.answer)
        break
      case 'block':
        this.#pending.get(reply.id)?.take?.(reply.block)
        break
      case 'progress':
        this.#pending.get(reply.id)?.progress?.(reply.done)
        break
      case 'refusal':
        this.#settle(reply.id)?.reject(new DataError(reply.code, reply.message))
        break
      case 'spoilt':
        this.retire()
        break
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#watch.stop()
    if (this.#pending.size === 0 && this.#isRetired) void this.end(brokenOff())
    return pending
  }

  #finish(reason: DataError): void {
    this.#ended ??= reason
    this.#watch.stop()
    for (const { reject } of this.#pending.values()) reject(this.#ended)
    this.#pending.clear()
  }
}

function stalled(stallTimeoutMs: number): DataError {
  const seconds = Math.round(stallTimeoutMs / 1000)
  return new DataError('timed_out', `A part of the file took more than ${seconds} s to read, so it was given up.`)
}

function brokenOff(cause?: unknown): DataError {
  return new DataError('malformed', 'The reader of this file broke off: the file is damaged or too large for it.', {
    cause,
  })
}

function workerEntry(): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return isSource ? new URL('./reader-worker-entry.ts', import.meta.url) : new URL('./server.mjs', import.meta.url)
}

let spare: StoredThread | null = null
let keepsSpare = false

/** Start a thread ahead of the first file: loading the library takes 100 to 300 ms, opening a file a few. */
export function prewarm(): void {
  keepsSpare = true
  if (spare === null || !spare.isAlive) spare = new StoredThread()
}

/** A thread for one file; the next one starts a little later, when the first reads of this file are done. */
export function takeThread(): StoredThread {
  const thread = spare?.isAlive === true ? spare : new StoredThread()
  spare = null
  if (keepsSpare) setTimeout(prewarm, SPARE_DELAY_MS).unref()
  return thread
}

const SPARE_DELAY_MS = 1_000
