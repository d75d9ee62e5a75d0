import type { CodesColumn } from '../../protocol/column-frame.ts'
import type { KernelDescription } from '../../protocol/pipe.ts'
import type { Rows } from './data-source.ts'

/**
 * What one obsm entry is. `rows` where it is not one per cell, `reason` where it cannot be read, `label` where it has a
 * name of its own.
 */
export type ObsmEntry = KernelDescription['obsm'][number] & { rows?: number; reason?: string; label?: string }

/** What an AnnData holds, said without reading a column. `version` differs when any read could. */
export type Description = Omit<KernelDescription, 'obsm'> & {
  obsm: ObsmEntry[]
  /** The obsm key that the dataset itself says to show first. */
  defaultEmbedding?: string
}

/** One value per cell as stored, but for its width: NaN or the largest code is missing. */
export type ObsArray =
  | { form: 'dense'; values: Float32Array }
  | ({ form: 'codes' } & Pick<CodesColumn, 'codes' | 'categories' | 'ordered' | 'colors'>)

/** One gene as stored; `rows` ascending and unique, the rest is 0. */
export type GeneArray =
  | { form: 'dense'; values: Float32Array }
  | { form: 'sparse'; n: number; rows: Uint32Array; values: Float32Array }

/**
 * What goes on behind reads: `done` from 0 to 1 while genes are being sorted for quick access, else `null`; `notes` are
 * sentences about what is slower than it could be.
 */
export type Progress = { done: number | null; notes: string[] }

export const NO_PROGRESS: Progress = { done: null, notes: [] }

/**
 * The arrays of an AnnData, wherever it lives: all that differs between a file, a store and a kernel. Every read ends
 * when `signal` aborts, rejecting with its reason, and rejects with DataError otherwise.
 */
export interface AnnDataReader {
  /** Cheap. The same text as long as no read could differ. */
  version(signal: AbortSignal): Promise<string>
  describe(signal: AbortSignal): Promise<Description>
  /** Look again at what may have changed, so that `version` and `describe` know. */
  refresh(signal: AbortSignal): Promise<void>
  /** The first `columns` columns of the given rows, row-major. */
  obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Float32Array>
  obs(key: string, signal: AbortSignal): Promise<ObsArray>
  /** `index` in var, of raw.var for the layer "raw"; `layer` null is X. */
  gene(index: number, layer: string | null, signal: AbortSignal): Promise<GeneArray>
  /** A column of var as texts, the index for `column` null; of raw.var for the layer "raw". */
  varNames(column: string | null, layer: string | null, signal: AbortSignal): Promise<string[]>
  obsNames(rows: Rows, signal: AbortSignal): Promise<string[]>
  /** Only of a folder: see DataSource. */
  exportFile?(path: string, signal: AbortSignal): Promise<Uint8Array | null>
  progress(): Promise<Progress>
  /** Idempotent; pending reads end with `closed`. */
  close(): Promise<void>
}
