import * as v from 'valibot'
import { cellsHeadSchema, commandSchema } from './commands.ts'
import { eventSchema } from './events.ts'
import { MAX_USER_NAME } from './page-link.ts'
import { pageStateSchema } from './state.ts'

/**
 * The channel, page ⇄ server, over WebSocket or as post-and-long-poll; each message is one frame of frame.ts (over
 * WebSocket always a binary message). Sets of cells travel as the frame's body.
 */
export const pageMessageSchema = v.variant('kind', [
  /**
   * The first message, within CHANNEL_LIMITS.helloTimeoutMs. On a WebSocket `proof` answers the challenge, see
   * handshake.ts; `isFresh`: the page was loaded (again), and gets a key of its own. As a post the page is known already.
   */
  v.object({
    kind: v.literal('hello'),
    protocol: v.number(),
    proof: v.optional(v.string()),
    isFresh: v.optional(v.boolean()),
  }),
  /**
   * Over a WebSocket: one request to the server's routes, its path relative to the base; the body is the frame's. The
   * answer has the same `id`.
   */
  v.object({
    kind: v.literal('ask'),
    id: v.number(),
    method: v.picklist(['GET', 'POST', 'PUT']),
    path: v.string(),
    headers: v.record(v.string(), v.string()),
  }),
  /** Nobody waits for this answer any more. */
  v.object({ kind: v.literal('forget'), id: v.number() }),
  /** Sent after the state that the command changed, so that a new page never starts without its effect. */
  v.object({ kind: v.literal('ack'), seq: v.number(), ok: v.boolean(), reason: v.optional(v.string()) }),
  /** `id` is made by the page; whoever sees it twice drops the second. A selection's cells are the body. */
  v.object({ kind: v.literal('event'), id: v.string(), event: eventSchema }),
  /** The whole small state, after it settled. */
  v.object({ kind: v.literal('state'), state: pageStateSchema }),
  /** One set of cells of the state; an empty one removes it. Selections come as events instead. */
  v.object({ kind: v.literal('cellSet'), name: v.string(), cells: cellsHeadSchema }),
  /** Give the kernel the memory back in which genes are kept sorted. */
  v.object({ kind: v.literal('giveBack') }),
  /** The name of this page's user in a shared notebook. */
  v.object({ kind: v.literal('user'), name: v.pipe(v.string(), v.maxLength(MAX_USER_NAME)) }),
  /** The user touched this page: it is the primary one now. */
  v.object({ kind: v.literal('touched') }),
  v.object({ kind: v.literal('pong') }),
])
export type PageMessage = v.InferOutput<typeof pageMessageSchema>

/**
 * Genes of a large matrix are being sorted for quick access: `done` from 0 to 1, `null` where nothing is being sorted
 * (any more). `note`: why it is not done, and what that means. `bytes`: what they take of the kernel's memory, sorted;
 * absent: nothing.
 */
export const sortingSchema = v.object({
  done: v.nullable(v.number()),
  note: v.nullable(v.string()),
  bytes: v.optional(v.number()),
})
export type Sorting = v.InferOutput<typeof sortingSchema>

const kernelStatusSchema = v.picklist(['idle', 'busy', 'gone'])
export type KernelStatus = v.InferOutput<typeof kernelStatusSchema>

/** The server's first word on a WebSocket; see handshake.ts. Nothing is said to a server whose proof does not hold. */
export const challengeSchema = v.object({
  kind: v.literal('challenge'),
  protocol: v.number(),
  instanceId: v.string(),
  nonce: v.string(),
  proof: v.string(),
})
export type Challenge = v.InferOutput<typeof challengeSchema>

/**
 * The answer to an `ask`, its body the frame's; `ticket`: that is to be fetched, in parts where it is large, and every
 * answer carries `mark`.
 */
export const answerSchema = v.object({
  kind: v.literal('answer'),
  id: v.number(),
  status: v.number(),
  headers: v.record(v.string(), v.string()),
  ticket: v.optional(v.object({ path: v.string(), mark: v.string() })),
})
export type AnswerHead = v.InferOutput<typeof answerSchema>

export const serverMessageSchema = v.variant('kind', [
  /** Where the page starts: state, then `cellSets` messages of kind `cellSet`, then the commands that still wait. */
  v.object({
    kind: v.literal('welcome'),
    instanceId: v.string(),
    protocol: v.number(),
    state: v.nullable(pageStateSchema),
    cellSets: v.number(),
    /** Whether the page sends its picture after changes, for the notebook file. */
    savesPictures: v.boolean(),
  }),
  v.object({ kind: v.literal('cellSet'), name: v.string(), cells: cellsHeadSchema }),
  v.object({ kind: v.literal('command'), seq: v.number(), command: commandSchema }),
  /** The kernel's process is gone or answers again: for the sentence in the page. */
  v.object({ kind: v.literal('kernel'), status: kernelStatusSchema }),
  /** How much of what the page waits for the kernel has read, 0 to 1; `null`: nothing takes long (any more). */
  v.object({ kind: v.literal('reading'), done: v.nullable(v.number()) }),
  v.object({ kind: v.literal('sorting'), ...sortingSchema.entries }),
  /**
   * The dataset has this version now: a page that knows another one asks for the identity. `isAnew`: it reads all that
   * it shows again, too.
   */
  v.object({ kind: v.literal('data'), version: v.string(), isAnew: v.boolean() }),
  /** What this page or the kernel said misses its schema and was not done: a sentence to show. */
  v.object({ kind: v.literal('refused'), reason: v.string() }),
  /** Who else has a page of this viewer open, other than this page's user: names, sorted. */
  v.object({ kind: v.literal('company'), others: v.array(v.string()) }),
  v.object({ kind: v.literal('ping') }),
  /** The last word: this page is not to come back. `reason` is a sentence. Proxies lose the close code. */
  v.object({ kind: v.literal('ended'), reason: v.string() }),
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
  /** Columns and embeddings of fewer bytes are answered on the socket, others by a ticket. */
  inlineBytes: 64 << 10,
  /** Answers that one page waits for at once. */
  asksUnderWay: 64,
} as const
