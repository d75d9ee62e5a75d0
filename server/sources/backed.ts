import type { AnnDataReader, Description, GeneArray, ObsArray, Progress } from './anndata-reader.ts'
import type { Rows } from './data-source.ts'

/**
 * An AnnData in a kernel whose matrix stayed in its file: the server reads genes from the file itself, so that the
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

  async describe(signal: AbortSignal): Promise<Description> {
    return { ...(await this.#kernel.describe(signal)), version: await this.version(signal) }
  }

  refresh(signal: AbortSignal): Promise<void> {
    return this.#kernel.refresh(signal)
  }

  obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Float32Array> {
    return this.#kernel.obsm(key, columns, rows, signal)
  }

  obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    return this.#kernel.obs(key, signal)
  }

  async gene(index: number, layer: string | null, signal: AbortSignal): Promise<GeneArray> {
    const isInFile = layer === null && (await this.#isSameMatrix(signal))
    return (isInFile ? this.#file : this.#kernel).gene(index, layer, signal)
  }

  varNames(column: string | null, layer: string | null, signal: AbortSignal): Promise<string[]> {
    return this.#kernel.varNames(column, layer, signal)
  }

  obsNames(rows: Rows, signal: AbortSignal): Promise<string[]> {
    return this.#kernel.obsNames(rows, signal)
  }

  progress(): Promise<Progress> {
    return this.#file.progress()
  }

  async close(): Promise<void> {
    await Promise.all([this.#kernel.close(), this.#file.close()])
  }

  /** Genes are asked by position, which means the same in both as long as both have as many. */
  async #isSameMatrix(signal: AbortSignal): Promise<boolean> {
    const version = await this.#file.version(signal)
    if (this.#known?.version !== version) this.#known = { version, file: await this.#file.describe(signal) }
    const { nObs, nVar } = await this.#kernel.describe(signal)
    return this.#known.file.nObs === nObs && this.#known.file.nVar === nVar
  }
}
