import type { GeneTable, Plan } from '../../../data/compare/compare-groups.ts'
import type { Layout } from '../../../data/compare/layout.ts'
import type { BlockAnswer } from '../../../protocol/pipe.ts'

/** What a worker is started with. */
export type CompareWorkerData = { kind: 'compare'; layout: Layout; plan: Plan }

/** The block that was asked for last. */
export type CompareRequest = { head: BlockAnswer; body: Uint8Array }

export type CompareReply =
  | { kind: 'ask'; start: number }
  | { kind: 'progress'; done: number }
  | { kind: 'table'; table: GeneTable }
  | { kind: 'failure'; message: string }

export function isCompareWorkerData(value: unknown): value is CompareWorkerData {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'compare'
}
