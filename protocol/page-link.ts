import * as v from 'valibot'
import { CANDIDATE_KINDS } from './comm.ts'
import { consoleLineSchema } from './events.ts'

/**
 * Widget ⇄ page. The page posts one `pageReady` to its parent; the widget checks source and origin and answers once
 * with `connect` and a MessagePort. All else goes over the port.
 */
export const pageReadySchema = v.object({ kind: v.literal('pageReady'), viewerId: v.string() })
export type PageReady = v.InferOutput<typeof pageReadySchema>
export const connectSchema = v.object({ kind: v.literal('connect'), viewerId: v.string() })

/** Characters. */
export const MAX_USER_NAME = 100

/** Over the port, widget → page. */
export const toPageSchema = v.variant('kind', [
  /** First. `pageKey` where the URL carried no token (tunnel, cookie-walled proxy), else `null`. */
  v.object({
    kind: v.literal('start'),
    transport: v.picklist(CANDIDATE_KINDS),
    pageKey: v.nullable(v.string()),
    /** The notebook's own look, since the frame's media query may not know it. */
    theme: v.picklist(['light', 'dark']),
    partBytes: v.number(),
    /** By what name others who share the notebook know its user; `null`: nobody else is said to be there. */
    user: v.nullable(v.string()),
  }),
  v.object({ kind: v.literal('theme'), theme: v.picklist(['light', 'dark']) }),
  /** Tunnel: the answer to `fetch`. */
  v.object({
    kind: v.literal('response'),
    id: v.number(),
    status: v.number(),
    headers: v.record(v.string(), v.string()),
    body: v.instance(Uint8Array),
  }),
  /** Tunnel: the request could not be carried; `reason` is a sentence. */
  v.object({ kind: v.literal('fetchFailed'), id: v.number(), reason: v.string() }),
  /** Tunnel: what requests wait for, a cell that is known to run or a kernel that is silent; `null`: they flow again. */
  v.object({ kind: v.literal('stalled'), waitsFor: v.nullable(v.picklist(['cell', 'kernel'])) }),
  /** Ask your own `_cellucid/health` with this query: the widget cannot, a cookie is in the way. */
  v.object({ kind: v.literal('probe'), id: v.number(), query: v.string() }),
  v.object({ kind: v.literal('key'), pageKey: v.string() }),
  /** The answer to `away`: the server is there, as far as the kernel can tell. Good for one try. */
  v.object({ kind: v.literal('comeBack') }),
])
export type ToPage = v.InferOutput<typeof toPageSchema>

/** Over the port, page → widget. */
export const fromPageSchema = v.variant('kind', [
  /** The first picture stands. */
  v.object({ kind: v.literal('drawn'), cells: v.number() }),
  /** Nothing to show, with the sentence that the page shows itself. */
  v.object({ kind: v.literal('failed'), message: v.string() }),
  /** The channel is lost and did not come back, the key died, or the server is another one: resolve again. */
  v.object({ kind: v.literal('lost'), reason: v.string() }),
  /** The connection to this instance broke: may the page try to come back? */
  v.object({ kind: v.literal('away'), instanceId: v.string() }),
  v.object({ kind: v.literal('console'), lines: v.array(consoleLineSchema) }),
  v.object({
    kind: v.literal('fetch'),
    id: v.number(),
    method: v.picklist(['GET', 'POST', 'PUT']),
    path: v.string(),
    headers: v.record(v.string(), v.string()),
    body: v.nullable(v.instance(Uint8Array)),
  }),
  v.object({ kind: v.literal('abort'), id: v.number() }),
  v.object({ kind: v.literal('probeAnswer'), id: v.number(), status: v.number(), body: v.unknown() }),
  /** The user dragged the cell's height, CSS pixels. */
  v.object({ kind: v.literal('resize'), height: v.number() }),
])
export type FromPage = v.InferOutput<typeof fromPageSchema>
