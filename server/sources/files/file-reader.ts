import type { Description, GeneArray, ObsArray } from '../../../data/anndata/anndata-reader.ts'
import type { GeneTable, Plan } from '../../../data/compare/compare-groups.ts'
import { DataError, NO_PROGRESS, type Progress, type Rows } from '../../../data/data-source.ts'
import type { MuDataTop, SharedModalities } from '../../../data/mudata/mudata-reader.ts'
import type { Positions } from '../../../data/values/value-type.ts'
import type { Matrix, VarTable } from '../../../protocol/matrix.ts'
import type { Session, StoredFile } from './open-file.ts'
import type { PartPath, StoredRead } from './reader-messages.ts'

/** A file or store, read by a thread of its own. What is read is of the file that was described last, or refused. */
export class StoredReader implements MuDataTop {
  readonly #file: StoredFile
  readonly #part: PartPath
  readonly #release: () => Promise<void>
  /** Positions of genes and cells mean what the description of this version said. */
  #described: string | null = null

  /**
   * @param release gives up this use of the file, which others may share
   * @param part where in the file the AnnData stands
   */
  constructor(file: StoredFile, release: () => Promise<void>, part: PartPath = '') {
    this.#file = file
    this.#release = release
    this.#part = part
  }

  version(_signal: AbortSignal): Promise<string> {
    return this.#file.recentVersion()
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.version(signal)
  }

  async describe(signal: AbortSignal): Promise<Description> {
    const session = await this.#file.session(signal)
    const { version } = session
    this.#described = version
    const read = () => session.thread.read({ what: 'describe' }, signal, this.#part)
    // The thread answers each read with what AnnDataReader says; so too below.
    const description = (await this.#answer(session, read)) as Description
    return {
      ...description,
      version,
      matrices: description.matrices.map((entry) => ({ ...entry, version })),
      obs: description.obs.map((field) => ({ ...field, version })),
      obsm: description.obsm.map((entry) => ({ ...entry, version })),
    }
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions> {
    return (await this.#read({ what: 'obsm', key, columns, ...rows }, signal)) as Positions
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    return (await this.#read({ what: 'obs', key }, signal)) as ObsArray
  }

  async gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    return this.#ask(signal, ({ genes }) => genes(this.#part).gene(index, matrix, signal))
  }

  /** In a thread of its own, which ends with it: other reads do not wait, and a stop is one at once. */
  async compare(matrix: Matrix, plan: Plan, signal: AbortSignal, progress: (done: number) => void): Promise<GeneTable> {
    return this.#ask(signal, async ({ startThread }) => {
      const thread = await startThread(signal)
      try {
        return await thread.compare({ matrix, plan }, signal, progress, this.#part)
      } finally {
        await thread.end(new DataError('closed', 'The comparison has ended.'))
      }
    })
  }

  async varNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<string[]> {
    return (await this.#read({ what: 'varNames', column, table }, signal)) as string[]
  }

  async obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return (await this.#read({ what: 'obsNames', ...rows }, signal)) as string[]
  }

  async cellMap(modality: string, signal: AbortSignal): Promise<Uint32Array | null> {
    return (await this.#read({ what: 'cellMap', modality }, signal)) as Uint32Array | null
  }

  /** The modalities, where this is a MuData; asked before anything is described. */
  async modalities(signal: AbortSignal): Promise<SharedModalities | null> {
    const { thread } = await this.#file.session(signal)
    return (await thread.read({ what: 'modalities' }, signal)) as SharedModalities | null
  }

  async progress(): Promise<Progress> {
    return (await this.#file.genes(this.#part)?.progress()) ?? NO_PROGRESS
  }

  async close(): Promise<void> {
    await this.#release()
  }

  #read(read: StoredRead, signal: AbortSignal): Promise<unknown> {
    return this.#ask(signal, ({ thread }) => thread.read(read, signal, this.#part))
  }

  async #ask<T>(signal: AbortSignal, read: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#file.session(signal)
    if (session.version !== this.#described) throw this.#file.changed()
    return this.#answer(session, () => read(session))
  }

  /** What was read counts only when the file was the same before and after. */
  async #answer<T>({ version }: Session, read: () => Promise<T>): Promise<T> {
    try {
      const answer = await read()
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
