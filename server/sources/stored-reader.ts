import type { SourceRead } from '../../protocol/pipe.ts'
import {
  type AnnDataReader,
  type Description,
  type GeneArray,
  NO_PROGRESS,
  type ObsArray,
  type Progress,
} from './anndata-reader.ts'
import { DataError, type Rows } from './data-source.ts'
import type { Session, StoredFile } from './stored-file.ts'

/** A file or store, read by a thread of its own. What is read is of the file that was described last, or refused. */
export class StoredReader implements AnnDataReader {
  readonly #file: StoredFile
  readonly #release: () => Promise<void>
  /** Positions of genes and cells mean what the description of this version said. */
  #described: string | null = null

  /** @param release gives up this use of the file, which others may share */
  constructor(file: StoredFile, release: () => Promise<void>) {
    this.#file = file
    this.#release = release
  }

  version(_signal: AbortSignal): Promise<string> {
    return this.#file.recentVersion()
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.version(signal)
  }

  async describe(signal: AbortSignal): Promise<Description> {
    const { version } = await this.#file.session(signal)
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
    return (await this.#file.genes?.progress()) ?? NO_PROGRESS
  }

  async close(): Promise<void> {
    await this.#release()
  }

  #read(read: SourceRead, signal: AbortSignal): Promise<unknown> {
    return this.#ask(signal, ({ thread }) => thread.read(read, signal))
  }

  /** What was read counts only when the file was the same before and after. */
  async #ask<T>(signal: AbortSignal, read: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#file.session(signal)
    const { version } = session
    if (version !== this.#described) throw this.#file.changed()
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

  async #checkUnchanged(version: string): Promise<void> {
    if ((await this.#file.version()) !== version) throw this.#file.changed()
  }
}
