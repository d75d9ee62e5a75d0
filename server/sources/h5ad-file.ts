import { SharedReads } from '../shared-reads.ts'
import type { ColumnFolder } from './column-folder.ts'
import { DataError } from './data-source.ts'
import { fileVersion } from './file-identity.ts'
import { GeneColumns } from './gene-columns.ts'
import { type H5adThread, takeThread } from './h5ad-thread.ts'
import { quoted } from './near-names.ts'

/** One state of a file: the thread that has it open, and its genes. */
export type Session = { version: string; thread: H5adThread; genes: GeneColumns }

export type H5adFileParts = {
  /** Where genes of matrices stored by rows are kept sorted; `null`: nowhere. */
  folder: ColumnFolder | null
  takeThread?: () => H5adThread
}

/** A file on disk that is open for reading; opened again when it was replaced or its thread ended. */
export class H5adFile {
  readonly path: string
  readonly #folder: ColumnFolder | null
  readonly #takeThread: () => H5adThread
  readonly #opening = new SharedReads<Session>()
  #session: Session | null = null
  #isClosed = false

  /** @param path a real path */
  constructor(path: string, { folder, takeThread: take = takeThread }: H5adFileParts) {
    this.path = path
    this.#folder = folder
    this.#takeThread = take
  }

  /** Cheap. Another text when the file's bytes may be others. */
  version(): Promise<string> {
    return fileVersion(this.path)
  }

  /** The file as it is now. */
  async session(signal: AbortSignal): Promise<Session> {
    const version = await this.version()
    const session = this.#session
    if (session?.version === version && session.thread.isAlive) return session
    return this.#opening.read(version, signal, (shared) => this.#start(version, shared))
  }

  /** What goes on in the session that is open, if one is. */
  get genes(): GeneColumns | null {
    return this.#session?.genes ?? null
  }

  changed(): DataError {
    const found = `The file ${quoted(this.path)} changed on disk while it was open`
    return new DataError('changed', `${found}. Reload the page to see what it holds now.`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const reason = new DataError('closed', 'The viewer of this file was closed.')
    await this.#session?.genes.end(reason)
    await this.#session?.thread.end(reason)
  }

  async #start(version: string, signal: AbortSignal): Promise<Session> {
    if (this.#isClosed) throw new DataError('closed', 'The viewer of this file was closed.')
    const before = this.#session
    if (before !== null) await before.genes.end(this.changed())
    if (before?.thread.isAlive === true) await before.thread.end(this.changed())
    const thread = await this.#startThread(signal)
    const startThread = (stop: AbortSignal) => this.#startThread(stop)
    const genes = new GeneColumns({ thread, startThread, folder: this.#folder, version })
    this.#session = { version, thread, genes }
    return this.#session
  }

  async #startThread(signal: AbortSignal): Promise<H5adThread> {
    const thread = this.#takeThread()
    try {
      await thread.open(this.path, signal)
      return thread
    } catch (error) {
      await thread.end(this.changed())
      throw error
    }
  }
}
