import * as v from 'valibot'
import { matrixSchema } from './matrix.ts'
import { colorBySchema, pageStateSchema } from './state.ts'

export const cellsHeadSchema = v.object({
  encoding: v.picklist(['u32', 'bitmap']),
  count: v.number(),
  cellCount: v.number(),
})

/**
 * Kernel → page. Where a command speaks of cells, `cells` is the head of the frame's body (see cells.ts).
 * Names as users know them from cellucid.
 */
export const commandSchema = v.variant('kind', [
  v.object({ kind: v.literal('highlight'), cells: cellsHeadSchema, color: v.string() }),
  v.object({ kind: v.literal('clearHighlights') }),
  /**
   * `color` is what the server made of `field` when it knew the dataset; `null` field: one colour for all. A gene is
   * meant as `matrix` has it; without one, as the viewer's own has it.
   */
  v.object({
    kind: v.literal('setColorBy'),
    field: v.nullable(v.string()),
    matrix: v.optional(matrixSchema),
    color: v.optional(v.nullable(colorBySchema)),
  }),
  v.object({ kind: v.literal('setEmbedding'), name: v.string(), dimensions: v.optional(v.number()) }),
  v.object({ kind: v.literal('select'), cells: cellsHeadSchema }),
  /** `cells: null`: all cells. */
  v.object({ kind: v.literal('setVisibility'), cells: v.nullable(cellsHeadSchema), visible: v.boolean() }),
  v.object({ kind: v.literal('resetCamera') }),
  v.object({ kind: v.literal('refresh') }),
  v.object({ kind: v.literal('freeze') }),
  v.object({ kind: v.literal('screenshot'), requestId: v.string(), scale: v.number() }),
  /** Report the state now; done when it is reported. */
  v.object({ kind: v.literal('requestSessionBundle'), requestId: v.string() }),
  /** In place of the page's whole state; the sets of cells stand one after the other in the body, `bytes` each. */
  v.object({
    kind: v.literal('loadSession'),
    requestId: v.string(),
    state: pageStateSchema,
    sets: v.array(v.object({ name: v.string(), bytes: v.number(), cells: cellsHeadSchema })),
  }),
  v.object({ kind: v.literal('ping'), requestId: v.string() }),
  v.object({ kind: v.literal('debugSnapshot'), requestId: v.string() }),
  v.object({ kind: v.literal('custom'), type: v.string(), payload: v.unknown() }),
])
export type Command = v.InferOutput<typeof commandSchema>
export type CommandKind = Command['kind']

/** Of these only the last that still waits matters; the queue keeps one. */
export const STATE_LIKE_COMMANDS: ReadonlySet<CommandKind> = new Set<CommandKind>([
  'setColorBy',
  'setEmbedding',
  'select',
  'resetCamera',
  'clearHighlights',
])

/** Answered by the primary page alone, the one last touched. */
export const PRIMARY_COMMANDS: ReadonlySet<CommandKind> = new Set<CommandKind>([
  'screenshot',
  'requestSessionBundle',
  'debugSnapshot',
])
