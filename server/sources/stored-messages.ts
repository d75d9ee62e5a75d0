import type { SourceRead } from '../../protocol/pipe.ts'
import type { DataErrorCode } from './data-source.ts'
import type { ColumnBlock } from './stored/column-blocks.ts'
import type { StoredPlace } from './stored-place.ts'

/** What a worker is started with. `progress` counts the blocks it finished, so that one that hangs can be told. */
export type StoredWorkerData = { kind: 'stored'; progress: SharedArrayBuffer }

/** As a kernel is asked, and what only files are asked. */
export type StoredRead =
  | SourceRead
  /** → MatrixInfo */
  | { what: 'matrix'; layer: string | null }
  /** Of a matrix stored by rows, the rows from `start` on → GeneArray */
  | { what: 'varFrom'; index: number; layer: string | null; start: number }
  /** Sort a matrix stored by rows by its genes into an open file → null, after a `block` for each part of it */
  | { what: 'buildColumns'; layer: string | null; fd: number; blockValues: number }

export type StoredRequest =
  /** Once: a worker opens one place and no other. */
  | { kind: 'open'; id: number; place: StoredPlace }
  | { kind: 'read'; id: number; read: StoredRead }
  | { kind: 'abort'; id: number }

export type StoredReply =
  /** `answer` as AnnDataReader's method of the same name returns it; its buffers are handed over. */
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'block'; id: number; block: ColumnBlock }
  | { kind: 'refusal'; id: number; code: DataErrorCode; message: string }
  /** The library failed: what is under way may finish, but nothing more should be asked of this worker. */
  | { kind: 'spoilt' }

export function isStoredWorkerData(value: unknown): value is StoredWorkerData {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'stored'
}
