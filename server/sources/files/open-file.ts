import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { SharedReads } from '../../../data/shared-reads.ts'
import type { ColumnFolder } from '../csc-cache/csc-folder.ts'
import { PlaceWatch, type StoredPlace } from './file-location.ts'
import { GeneColumns } from './gene-columns.ts'
import type { PartPath } from './reader-messages.ts'
import { type StoredThread, takeThread } from './reader-thread.ts'

/** One state of a file: the thread that has it open, and the genes of each AnnData in it. */
export type Session = {
  version: string
  thread: StoredThread
  /** One more that has the same file open, for what takes long; whoever asks for it ends it. */
  startThread: (signal: AbortSignal) => Promise<StoredThread>
  genes: (part: PartPath) => GeneColumns
}

export type StoredFileParts = {
  /** Where genes of matrices stored by rows are kept sorted; `null`: nowhere. */
  folder: ColumnFolder | null
  takeThread?: () => StoredThread
}

/** A file or store that is open for reading; opened again when it was replaced or its thread ended. */
export class StoredFile {
  readonly place: StoredPlace
  readonly #watch: PlaceWatch
  readonly #folder: ColumnFolder | null
  readonly #takeThread: () => StoredThread
  readonly #opening = new SharedReads<Session>()
  #session: Session | null = null
  /** Of the session that is open. */
  readonly #genes = new Map<PartPath, GeneColumns>()
  #looking: Promise<string> | null = null
  #isClosed = false

  constructor(place: StoredPlace, { folder, takeThread: take = takeThread }: StoredFileParts) {
    this.place = place
    this.#watch = new PlaceWatch(place)
    this.#folder = folder
    this.#takeThread = take
  }

  /** Cheap. Another text when what is stored may be other. */
  version(): Promise<string> {
    return this.#watch.version()
  }

  /** The same for who does not mind that somebody else began to look a moment ago: many ask at once. */
  recentVersion(): Promise<string> {
    this.#looking ??= this.version().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /** The file as it is now. */
  async session(signal: AbortSignal): Promise<Session> {
    const version = await this.version()
    const session = this.#session
    if (session?.version === version && session.thread.isAlive) return session
    return this.#opening.read(version, signal, (shared) => this.#start(version, shared))
  }

  /** What goes on in the session that is open, if one is. */
  genes(part: PartPath): GeneColumns | null {
    return this.#genes.get(part) ?? null
  }

  changed(): DataError {
    const what = this.place.format === 'zarr-url' ? 'store' : 'file'
    const found = `The ${what} ${quoted(withoutQuery(this.place.path))} changed on disk while it was open`
    return new DataError('changed', `${found}. Reload the page to see what it holds now.`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const reason = new DataError('closed', 'The viewer of this file was closed.')
    await this.#endGenes(reason)
    await this.#session?.thread.end(reason)
  }

  async #start(version: string, signal: AbortSignal): Promise<Session> {
    if (this.#isClosed) throw new DataError('closed', 'The viewer of this file was closed.')
    const before = this.#session
    if (before !== null) await this.#endGenes(this.changed())
    if (before?.thread.isAlive === true) await before.thread.end(this.changed())
    const thread = await this.#startThread(signal)
    const startThread = (stop: AbortSignal) => this.#startThread(stop)
    const genes = (part: PartPath) => {
      const known = this.#genes.get(part)
      const made = known ?? new GeneColumns({ thread, startThread, part, folder: this.#folder, version })
      this.#genes.set(part, made)
      return made
    }
    this.#session = { version, thread, startThread, genes }
    return this.#session
  }

  async #endGenes(reason: DataError): Promise<void> {
    const ended = [...this.#genes.values()]
    this.#genes.clear()
    await Promise.all(ended.map((genes) => genes.end(reason)))
  }

  async #startThread(signal: AbortSignal): Promise<StoredThread> {
    const thread = this.#takeThread()
    try {
      await thread.open(this.place, signal)
      return thread
    } catch (error) {
      await thread.end(this.changed())
      throw error
    }
  }
}

/** The query of a URL may hold a secret. */
function withoutQuery(path: string): string {
  return path.replace(/^(https?:[^?]*)\?.*$/, '$1')
}
