import * as v from 'valibot'
import { cellsHeadSchema } from './commands.ts'
import { matrixSchema } from './matrix.ts'

export const consoleLineSchema = v.object({
  level: v.picklist(['warning', 'error']),
  message: v.string(),
  /** Milliseconds since the epoch, the browser's clock. */
  ts: v.number(),
  filename: v.optional(v.string()),
  lineno: v.optional(v.number()),
  colno: v.optional(v.number()),
  /** How many equal lines this one stands for. */
  count: v.optional(v.number(), 1),
  /** Who spoke: the page in the frame, or the widget around it. */
  from: v.optional(v.picklist(['page', 'widget']), 'page'),
})
export type ConsoleLine = v.InferOutput<typeof consoleLineSchema>

/** Page → kernel. `cells` is the head of the frame's body. */
export const eventSchema = v.variant('kind', [
  v.object({ kind: v.literal('ready'), nCells: v.number(), dimensions: v.number() }),
  v.object({ kind: v.literal('selection'), cells: cellsHeadSchema, source: v.string() }),
  v.object({ kind: v.literal('hover'), cell: v.nullable(v.number()), position: v.nullable(v.array(v.number())) }),
  v.object({
    kind: v.literal('click'),
    cell: v.nullable(v.number()),
    button: v.number(),
    shift: v.boolean(),
    ctrl: v.boolean(),
  }),
  /** `matrix`: of a gene. */
  v.object({ kind: v.literal('colorBy'), field: v.nullable(v.string()), matrix: v.nullable(matrixSchema) }),
  v.object({ kind: v.literal('embedding'), name: v.string(), dimensions: v.number() }),
  v.object({ kind: v.literal('visibility'), visibleCells: v.number() }),
  v.object({ kind: v.literal('console'), lines: v.array(consoleLineSchema) }),
  v.object({
    kind: v.literal('sessionBundle'),
    requestId: v.string(),
    status: v.picklist(['ok', 'failed']),
    bytes: v.optional(v.number()),
    path: v.optional(v.string()),
    reason: v.optional(v.string()),
  }),
  v.object({ kind: v.literal('screenshot'), requestId: v.string(), reason: v.optional(v.string()) }),
  v.object({ kind: v.literal('pong'), requestId: v.string() }),
  v.object({ kind: v.literal('debugSnapshot'), requestId: v.string(), report: v.unknown() }),
  v.object({ kind: v.literal('custom'), type: v.string(), payload: v.unknown() }),
])
export type ViewerEvent = v.InferOutput<typeof eventSchema>
