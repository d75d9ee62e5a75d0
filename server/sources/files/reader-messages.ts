import type { Plan } from '../../../data/compare/compare-groups.ts'
import type { DataErrorCode } from '../../../data/data-source.ts'
import type { ColumnBlock } from '../../../data/elements/column-blocks.ts'
import type { Matrix } from '../../../protocol/matrix.ts'
import type { SourceRead } from '../../../protocol/pipe.ts'
import type { StoredPlace } from './file-location.ts'

/** What a worker is started with. `progress` counts the blocks it finished, so that one that hangs can be told. */
export type StoredWorkerData = { kind: 'stored'; progress: SharedArrayBuffer }

/** As a kernel is asked for arrays, and what only files are asked. */
export type StoredRead =
  | Exclude<SourceRead, { what: 'sorting' | 'giveBack' | 'layout' | 'block' }>
  /** → SharedModalities where this is a MuData, else `null` */
  | { what: 'modalities' }
  /** → MatrixInfo */
  | { what: 'matrix'; matrix: Matrix }
  /** Of a matrix stored by rows, the rows from `start` on → GeneArray */
  | { what: 'varFrom'; index: number; matrix: Matrix; start: number }
  /** Two groups of cells, gene by gene → GeneTable, after `progress` now and then */
  | { what: 'compare'; matrix: Matrix; plan: Plan }
  /** Sort a matrix stored by rows by its genes into an open file → null, after a `block` for each part of it */
  | { what: 'buildColumns'; matrix: Matrix; fd: number; blockValues: number }

/** Where in the tree an AnnData stands: `''` at the top, `mod/rna` in a MuData. */
export type PartPath = string

export type StoredRequest =
  /** Once: a worker opens one place and no other. */
  | { kind: 'open'; id: number; place: StoredPlace }
  | { kind: 'read'; id: number; part: PartPath; read: StoredRead }
  | { kind: 'abort'; id: number }

export type StoredReply =
  /** `answer` as AnnDataReader's method of the same name returns it; its buffers are handed over. */
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'block'; id: number; block: ColumnBlock }
  /** How much of a comparison is done, 0 to 1. */
  | { kind: 'progress'; id: number; done: number }
  | { kind: 'refusal'; id: number; code: DataErrorCode; message: string }
  /** The library failed: what is under way may finish, but nothing more should be asked of this worker. */
  | { kind: 'spoilt' }

export function isStoredWorkerData(value: unknown): value is StoredWorkerData {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'stored'
}
