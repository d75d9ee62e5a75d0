import type { Column, Embedding } from '../../protocol/column-frame.ts'
import { type ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { GeneNames, Identity } from '../../protocol/identity.ts'
import type { ColorBy } from '../../protocol/state.ts'
import type { Progress } from './anndata-reader.ts'

/** Half open, in obs order. */
export type Rows = { start: number; end: number }

export type Defaults = Pick<Identity, 'embeddings' | 'defaultEmbedding' | 'defaultColor'>

/**
 * Where a dataset is read from. Routes and wire do not know which kind answers. Every read ends when `signal` aborts,
 * rejecting with its reason, and rejects with DataError otherwise. Returned arrays belong to the caller.
 */
export interface DataSource {
  /** Safe in a URL, stable while the source lives. */
  readonly id: string
  readonly kind: Identity['kind']
  /** Counts, embeddings, obs fields with kind, layers, notes. Reads no column and no index of names. */
  identity(signal: AbortSignal): Promise<Identity>
  /** What is shown where nothing is named, as known; cheap. */
  defaults(signal: AbortSignal): Promise<Defaults>
  /** Differs when any read could; cheap, asked before cached answers, part of the ETag. */
  version(signal: AbortSignal): Promise<string>
  /** `key` null: the default. Normalised: one centre per axis, one scale, longest side is [-1, 1]. */
  embedding(key: string | null, dimensions: number, signal: AbortSignal): Promise<Embedding>
  obs(key: string, signal: AbortSignal): Promise<Column>
  /** `key` is a GeneName's key, or a name that is unique; `layer` null is the dataset's default layer, "X" is X. */
  gene(key: string, layer: string | null, signal: AbortSignal): Promise<Column>
  /** Exact, then prefix, then substring matches. */
  genes(query: string, limit: number, signal: AbortSignal): Promise<GeneNames>
  /** Obs names of rows start..end, at most 1000. */
  cellNames(rows: Rows, signal: AbortSignal): Promise<readonly string[]>
  /** An obs field, else a gene, as `sc.pl.umap(color=…)` chooses. @throws DataError `unknown_column` with the near names */
  resolveColor(field: string, signal: AbortSignal): Promise<ColorBy>
  /** Look again, but not for long: who knows may be busy, and then what was known has to do. */
  catchUp(signal: AbortSignal): Promise<void>
  /** Look again at what may have changed where it lives; `version` and `identity` tell afterwards. */
  refresh(signal: AbortSignal): Promise<void>
  /**
   * A file of cellucid's own layout as it lies on disk, where the dataset is a folder in the form that the hosted page
   * reads; `null`: there is none, and whoever needs it makes it of the other reads.
   */
  exportFile(path: string, signal: AbortSignal): Promise<Uint8Array | null>
  /** What goes on behind reads. */
  progress(): Promise<Progress>
  /** Idempotent; pending reads end with `closed`. */
  close(): Promise<void>
}

const DATA_ERROR_CODES = [
  'not_found',
  'unknown_column',
  'unknown_embedding',
  'ambiguous',
  'unsupported',
  'malformed',
  'too_large',
  'changed',
  'timed_out',
  'closed',
  'no_embedding',
  'no_cells',
  'kernel_busy',
  'kernel_gone',
] as const satisfies readonly ErrorCode[]
export type DataErrorCode = (typeof DATA_ERROR_CODES)[number]

export function isDataErrorCode(code: ErrorCode): code is DataErrorCode {
  return DATA_ERROR_CODES.some((each) => each === code)
}

/** The only error a source lets out. `message`: what was asked, what was found, what to do. */
export class DataError extends ProtocolError<DataErrorCode> {}
