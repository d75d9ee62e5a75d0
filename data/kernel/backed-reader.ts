import type { Matrix, VarTable } from '../../protocol/matrix.ts'
import type { AnnDataReader, Description, GeneArray, ObsArray } from '../anndata/anndata-reader.ts'
import { matrixEntry } from '../anndata/matrices.ts'
import type { GeneTable, Plan } from '../compare/compare-groups.ts'
import { DataError, type Progress, type Rows } from '../data-source.ts'
import type { Positions } from '../values/value-type.ts'

/**
 * An AnnData in a kernel whose X and raw stayed in its file: the server reads genes from the file itself, so that the
 * kernel is not asked for them; tables, embeddings and layers are what the kernel holds, as edited since.
 */
export class BackedReader implements AnnDataReader {
  readonly #kernel: AnnDataReader
  readonly #file: AnnDataReader
  /** What the file said it holds, of which version. */
  #known: { version: string; file: Description } | null = null

  constructor(kernel: AnnDataReader, file: AnnDataReader) {
    this.#kernel = kernel
    this.#file = file
  }

  async version(signal: AbortSignal): Promise<string> {
    const [kernel, file] = await Promise.all([this.#kernel.version(signal), this.#file.version(signal)])
    return `${kernel}.${file}`
  }

  /** X and raw may be read from either: they are the same as long as both are. */
  async describe(signal: AbortSignal): Promise<Description> {
    const [kernel, file] = await Promise.all([this.#kernel.describe(signal), this.#file.version(signal)])
    const matrices = kernel.matrices.map((entry) =>
      entry.matrix.in === 'layers' ? entry : { ...entry, version: `${entry.version}.${file}` },
    )
    return { ...kernel, matrices, version: `${kernel.version}.${file}` }
  }

  refresh(signal: AbortSignal): Promise<void> {
    return this.#kernel.refresh(signal)
  }

  obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions> {
    return this.#kernel.obsm(key, columns, rows, signal)
  }

  obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    return this.#kernel.obs(key, signal)
  }

  async gene(index: number, matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    const isInFile = matrix.in !== 'layers' && (await this.#isSameMatrix(matrix, signal))
    return (isInFile ? this.#file : this.#kernel).gene(index, matrix, signal)
  }

  /** As of a gene: where the matrix stayed in the file, it is read there. */
  async compare(matrix: Matrix, plan: Plan, signal: AbortSignal, progress: (done: number) => void): Promise<GeneTable> {
    const isInFile = matrix.in !== 'layers' && (await this.#isSameMatrix(matrix, signal))
    const reader = isInFile ? this.#file : this.#kernel
    if (reader.compare === undefined) throw new DataError('unsupported', 'This matrix cannot be compared.')
    return reader.compare(matrix, plan, signal, progress)
  }

  varNames(column: string | null, table: VarTable, signal: AbortSignal): Promise<string[]> {
    return this.#kernel.varNames(column, table, signal)
  }

  obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return this.#kernel.obsNames(rows, signal)
  }

  /** Genes of layers come from the kernel. */
  async progress(): Promise<Progress> {
    const [file, kernel] = await Promise.all([this.#file.progress(), this.#kernel.progress()])
    return { ...kernel, done: file.done ?? kernel.done, notes: [...file.notes, ...kernel.notes] }
  }

  async giveBack(signal: AbortSignal): Promise<void> {
    await this.#kernel.giveBack?.(signal)
  }

  async close(): Promise<void> {
    await Promise.all([this.#kernel.close(), this.#file.close()])
  }

  /** Genes are asked by position, which means the same in both as long as both have as many. */
  async #isSameMatrix(matrix: Matrix, signal: AbortSignal): Promise<boolean> {
    const version = await this.#file.version(signal)
    if (this.#known?.version !== version) this.#known = { version, file: await this.#file.describe(signal) }
    const kernel = await this.#kernel.describe(signal)
    const { file } = this.#known
    return file.nObs === kernel.nObs && matrixEntry(file, matrix)?.genes === matrixEntry(kernel, matrix)?.genes
  }
}
