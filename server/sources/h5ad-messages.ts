import type { SourceRead } from '../../protocol/pipe.ts'
import type { DataErrorCode } from './data-source.ts'
import type { ColumnBlock } from './stored/column-blocks.ts'

/** What a worker is started with. `progress` counts the blocks it finished, so that one that hangs can be told. */
export type H5adWorkerData = { kind: 'h5ad'; progress: SharedArrayBuffer }

/** As a kernel is asked, and what only files are asked. */
export type H5adRead =
  | SourceRead
  /** → MatrixInfo */
  | { what: 'matrix'; layer: string | null }
  /** Of a matrix stored by rows, the rows from `start` on → GeneArray */
  | { what: 'varFrom'; index: number; layer: string | null; start: number }
  /** Sort a matrix stored by rows by its genes into an open file → null, after a `block` for each part of it */
  | { what: 'buildColumns'; layer: string | null; fd: number; blockValues: number }

export type H5adRequest =
  /** Once: a worker opens one file and no other. `path` is a real path. */
  | { kind: 'open'; id: number; path: string }
  | { kind: 'read'; id: number; read: H5adRead }
  | { kind: 'abort'; id: number }

export type H5adReply =
  /** `answer` as AnnDataReader's method of the same name returns it; its buffers are handed over. */
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'block'; id: number; block: ColumnBlock }
  | { kind: 'refusal'; id: number; code: DataErrorCode; message: string }
  /** The library failed: what is under way may finish, but nothing more should be asked of this worker. */
  | { kind: 'spoilt' }

export function isH5adWorkerData(value: unknown): value is H5adWorkerData {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'h5ad'
}
