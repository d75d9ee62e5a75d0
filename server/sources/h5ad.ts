import type { SourceRead } from '../../protocol/pipe.ts'
import { SharedReads } from '../shared-reads.ts'
import {
  type AnnDataReader,
  type Description,
  type GeneArray,
  NO_PROGRESS,
  type ObsArray,
  type Progress,
} from './anndata-reader.ts'
import type { ColumnFolder } from './column-folder.ts'
import { DataError, type Rows } from './data-source.ts'
import { fileVersion } from './file-identity.ts'
import { GeneColumns } from './gene-columns.ts'
import { type H5adThread, takeThread } from './h5ad-thread.ts'
import { quoted } from './near-names.ts'

type Session = { version: string; thread: H5adThread; genes: GeneColumns }

/** An `.h5ad` file, read by a thread of its own. */
export class H5adReader implements AnnDataReader {
  readonly #path: string
  readonly #folder: ColumnFolder | null
  readonly #takeThread: () => H5adThread
  readonly #opening = new SharedReads<Session>()
  #session: Session | null = null
  /** Positions of genes and cells mean what the description of this version said. */
  #described: string | null = null
  #isClosed = false

  /**
   * @param path a real path
   * @param folder where genes of matrices stored by rows are kept sorted; `null`: nowhere
   */
  constructor(path: string, folder: ColumnFolder | null, take: () => H5adThread = takeThread) {
    this.#path = path
    this.#folder = folder
    this.#takeThread = take
  }

  version(_signal: AbortSignal): Promise<string> {
    return fileVersion(this.#path)
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.version(signal)
  }

  /** Also opens the file again when it was replaced. */
  async describe(signal: AbortSignal): Promise<Description> {
    const { version } = await this.#open(signal)
    this.#described = version
    // The thread answers each read with what AnnDataReader says; so too below.
    const description = (await this.#read({ what: 'describe' }, signal)) as Description
    return {
      ...description,
      version,
      obs: description.obs.map((field) => ({ ...field, version })),
      obsm: description.obsm.map((entry) => ({ ...entry, version })),
    }
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Float32Array> {
    return (await this.#read({ what: 'obsm', key, columns, ...rows }, signal)) as Float32Array
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    return (await this.#read({ what: 'obs', key }, signal)) as ObsArray
  }

  async gene(index: number, layer: string | null, signal: AbortSignal): Promise<GeneArray> {
    return this.#ask(signal, ({ genes }) => genes.gene(index, layer, signal))
  }

  async varNames(column: string | null, layer: string | null, signal: AbortSignal): Promise<string[]> {
    return (await this.#read({ what: 'varNames', column, layer }, signal)) as string[]
  }

  async obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return (await this.#read({ what: 'obsNames', ...rows }, signal)) as string[]
  }

  async progress(): Promise<Progress> {
    return (await this.#session?.genes.progress()) ?? NO_PROGRESS
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#session !== null)
      await endSession(this.#session, new DataError('closed', 'The viewer of this file was closed.'))
  }

  #read(read: SourceRead, signal: AbortSignal): Promise<unknown> {
    return this.#ask(signal, ({ thread }) => thread.read(read, signal))
  }

  /** What was read counts only when the file was the same before and after. */
  async #ask<T>(signal: AbortSignal, read: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#open(signal)
    const { version } = session
    if (version !== this.#described) throw this.#changed()
    try {
      const answer = await read(session)
      await this.#checkUnchanged(version)
      return answer
    } catch (error) {
      // A file cut short under a read looks damaged: then say what really happened.
      if (error instanceof DataError && error.code === 'malformed') await this.#checkUnchanged(version)
      throw error
    }
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const version = await fileVersion(this.#path)
    const session = this.#session
    if (session?.version === version && session.thread.isAlive) return session
    return this.#opening.read(version, signal, (shared) => this.#start(version, shared))
  }

  async #start(version: string, signal: AbortSignal): Promise<Session> {
    if (this.#isClosed) throw new DataError('closed', 'The viewer of this file was closed.')
    const before = this.#session
    if (before !== null) await before.genes.end(this.#changed())
    if (before?.thread.isAlive === true) await before.thread.end(this.#changed())
    const thread = await this.#startThread(signal)
    const startThread = (stop: AbortSignal) => this.#startThread(stop)
    const genes = new GeneColumns({ thread, startThread, folder: this.#folder, version })
    this.#session = { version, thread, genes }
    return this.#session
  }

  async #startThread(signal: AbortSignal): Promise<H5adThread> {
    const thread = this.#takeThread()
    try {
      await thread.open(this.#path, signal)
      return thread
    } catch (error) {
      await thread.end(this.#changed())
      throw error
    }
  }

  async #checkUnchanged(version: string): Promise<void> {
    if ((await fileVersion(this.#path)) !== version) throw this.#changed()
  }

  #changed(): DataError {
    return new DataError(
      'changed',
      `The file ${quoted(this.#path)} changed on disk while it was open. Reload the page to see what it holds now.`,
    )
  }
}

async function endSession({ genes, thread }: Session, reason: DataError): Promise<void> {
  await genes.end(reason)
  await thread.end(reason)
}
