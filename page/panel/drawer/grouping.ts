import type { CodesColumn } from '../../../protocol/column-frame.ts'

/** The categories that stand side by side. */
export type Grouping = { key: string; column: CodesColumn }
