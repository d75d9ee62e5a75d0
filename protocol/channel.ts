import * as v from 'valibot'
import { cellsHeadSchema, commandSchema } from './commands.ts'
import { eventSchema } from './events.ts'
import { pageStateSchema } from './state.ts'

/** For a secret a page gets its key. `isNew`: nobody has used the viewer yet, so there is no saved state to wait for. */
export const keyAnswerSchema = v.object({ pageKey: v.string(), isNew: v.boolean() })

/**
 * The channel, page ⇄ server, over WebSocket or as post-and-long-poll; each message is one frame of frame.ts (over
 * WebSocket always a binary message). Sets of cells travel as the frame's body.
 */
export const pageMessageSchema = v.variant('kind', [
  /** The first message, within CHANNEL_LIMITS.helloTimeoutMs. `lastCommandSeq`: the last one this page applied. */
  v.object({
    kind: v.literal('hello'),
    viewerId: v.string(),
    pageKey: v.string(),
    protocol: v.number(),
    lastCommandSeq: v.number(),
  }),
  /** Sent after the state that the command changed, so that a new page never starts without its effect. */
  v.object({ kind: v.literal('ack'), seq: v.number(), ok: v.boolean(), reason: v.optional(v.string()) }),
  /** `id` is made by the page; whoever sees it twice drops the second. A selection's cells are the body. */
  v.object({ kind: v.literal('event'), id: v.string(), event: eventSchema }),
  /** The whole small state, after it settled. */
  v.object({ kind: v.literal('state'), state: pageStateSchema }),
  /** One set of cells of the state; an empty one removes it. Selections come as events instead. */
  v.object({ kind: v.literal('cellSet'), name: v.string(), cells: cellsHeadSchema }),
  /** The user touched this page: it is the primary one now. */
  v.object({ kind: v.literal('touched') }),
  v.object({ kind: v.literal('pong') }),
])
export type PageMessage = v.InferOutput<typeof pageMessageSchema>

// Not `.entries` of the schema: schemas as browsers have them know none.
const sortingFields = { done: v.nullable(v.number()), note: v.nullable(v.string()) }

/**
 * Genes of a large matrix are being sorted for quick access: `done` from 0 to 1, `null` where nothing is being sorted
 * (any more). `note`: why it is not done, and what that means.
 */
export const sortingSchema = v.object(sortingFields)
export type Sorting = v.InferOutput<typeof sortingSchema>

export const serverMessageSchema = v.variant('kind', [
  /** Where the page starts: state, then `cellSets` messages of kind `cellSet`, then the commands that still wait. */
  v.object({
    kind: v.literal('welcome'),
    instanceId: v.string(),
    protocol: v.number(),
    state: v.nullable(pageStateSchema),
    cellSets: v.number(),
    commandSeq: v.number(),
    /** Whether the page sends its picture after changes, for the notebook file. */
    savesPictures: v.boolean(),
  }),
  v.object({ kind: v.literal('cellSet'), name: v.string(), cells: cellsHeadSchema }),
  v.object({ kind: v.literal('command'), seq: v.number(), command: commandSchema }),
  /** The kernel's process is gone or answers again: for the sentence in the page. */
  v.object({ kind: v.literal('kernel'), status: v.picklist(['idle', 'busy', 'gone']) }),
  v.object({ kind: v.literal('sorting'), ...sortingFields }),
  v.object({ kind: v.literal('ping') }),
])
export type ServerMessage = v.InferOutput<typeof serverMessageSchema>

/**
 * Long-poll form. `GET commands?after=C` answers a stream of frames whose first is this one: the number to ask with
 * next. Asking with it says that all before arrived; the first question has `after=0`. `POST events?sequence=S` carries
 * a stream of frames; S counts up by one, and one seen before is answered 200 and not applied again.
 */
export const pollHeadSchema = v.object({ kind: v.literal('poll'), cursor: v.number() })
export type PollHead = v.InferOutput<typeof pollHeadSchema>

export const CLOSE_CODES = {
  stopped: 1001,
  protocolError: 1008,
  tooLarge: 1009,
  unknownKey: 4401,
} as const

export const CHANNEL_LIMITS = {
  helloTimeoutMs: 5_000,
  helloBytes: 4 << 10,
  pingIntervalMs: 20_000,
  longPollMs: 25_000,
  sendBufferBytes: 8 << 20,
} as const
