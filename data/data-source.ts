import type { Column, Embedding } from '../protocol/column-frame.ts'
import { type ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { GeneNames, Identity } from '../protocol/identity.ts'
import type { Matrix } from '../protocol/matrix.ts'
import type { ColorBy } from '../protocol/state.ts'
import type { GeneTable, Method } from './compare/compare-groups.ts'

/** Half open, in obs order. */
export type Rows = { start: number; end: number }

/** What of a dataset has a version of its own. */
export type Part = { in: 'obsm' | 'obs'; key: string } | { in: 'matrix'; matrix: Matrix }

export type Defaults = Pick<Identity, 'embeddings' | 'defaultEmbedding' | 'defaultColor'>

/**
 * What goes on behind reads: `done` from 0 to 1 while genes are being sorted for quick access, else `null`; `notes` are
 * sentences about what is slower than it could be; `bytes` of the kernel's memory that sorted genes take.
 */
export type Progress = { done: number | null; notes: string[]; bytes?: number }

/** Cells by their rows, or by values of a field. */
export type Group = { cells: Uint32Array } | { field: string; categories: readonly string[] }

/** `b` null: all cells that are not in `a`; `matrix` null: raw where there is one, else X. */
export type CompareQuestion = { a: Group; b: Group | null; method: Method; matrix: Matrix | null }

/** `codes`: the group of each cell, 0 neither, 1 A, 2 B; `overlap`: how many were in both, and are in neither. */
export type Comparison = {
  table: GeneTable
  names: readonly string[]
  matrix: Matrix
  codes: Uint8Array
  cellsA: number
  cellsB: number
  overlap: number
  /** Sentences on what the numbers mean less than they seem to. */
  notes: readonly string[]
}

export const NO_PROGRESS: Progress = { done: null, notes: [] }

/**
 * Where a dataset is read from. Routes and wire do not know which kind answers. Every read ends when `signal` aborts,
 * rejecting with its reason, and rejects with DataError otherwise. Returned arrays belong to the caller.
 */
export interface DataSource {
  /** Safe in a URL, stable while the source lives. */
  readonly id: string
  readonly kind: Identity['kind']
  /** Counts, embeddings, obs fields with kind, matrices, notes. Reads no column and no index of names. */
  identity(signal: AbortSignal): Promise<Identity>
  /** What is shown where nothing is named, as known; cheap. */
  defaults(signal: AbortSignal): Promise<Defaults>
  /** Differs when any read could; cheap, asked before cached answers, part of the ETag. */
  version(signal: AbortSignal): Promise<string>
  /** Of one part, as known; other parts may change without it. Of what is not there, the version of the whole. */
  partVersion(part: Part, signal: AbortSignal): Promise<string>
  /** The same as it was described last, without another look; `null` before it was described. */
  describedVersion(part: Part): string | null
  /** `key` null: the default. Normalised: one centre per axis, one scale, longest side is [-1, 1]. */
  embedding(key: string | null, dimensions: number, signal: AbortSignal): Promise<Embedding>
  obs(key: string, signal: AbortSignal): Promise<Column>
  /** `key` is a GeneName's key, or a name that is unique. */
  gene(key: string, matrix: Matrix, signal: AbortSignal): Promise<Column>
  /** Exact, then prefix, then substring matches; `matrix` null: what genes are read from when nothing is named. */
  genes(query: string, limit: number, matrix: Matrix | null, signal: AbortSignal): Promise<GeneNames>
  /** Obs names of rows start..end, at most 1000. */
  cellNames(rows: Rows, signal: AbortSignal): Promise<readonly string[]>
  /** Two groups of cells, gene by gene. @param progress hears the share that is done */
  compare(question: CompareQuestion, signal: AbortSignal, progress: (done: number) => void): Promise<Comparison>
  /**
   * An obs field, else a gene of `matrix` (`null`: as in `genes`), as `sc.pl.umap(color=…)` chooses.
   * @throws DataError `unknown_column` with the near names
   */
  resolveColor(field: string, matrix: Matrix | null, signal: AbortSignal): Promise<ColorBy>
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
  /** Give the kernel the memory back in which it keeps genes sorted, if it does. */
  giveBack(signal: AbortSignal): Promise<void>
  /** Idempotent; pending reads end with `closed`. */
  close(): Promise<void>
}

const DATA_ERROR_CODES = [
  'not_found',
  'unknown_column',
  'unknown_embedding',
  'unknown_layer',
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
