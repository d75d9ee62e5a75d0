import type { FastifyReply, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import type { DataSource } from '../../data/data-source.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { ViewerId } from '../../protocol/probe.ts'
import type { Admission } from '../access/gate.ts'
import type { Strangers } from '../access/strangers.ts'
import type { Pieces } from '../frames/byte-pieces.ts'
import type { ColumnCache } from '../frames/frame-cache.ts'
import type { EventLoopWatch } from '../process/event-loop-lag.ts'
import { LIMITS } from '../process/limits.ts'
import type { Log } from '../process/log.ts'
import type { Report } from '../viewers/report.ts'
import type { Viewer } from '../viewers/viewer.ts'
import type { Viewers } from '../viewers/viewer-registry.ts'
import type { InnerRequests } from './inner-requests.ts'
import type { Entrance } from './landing.ts'
import type { PageFile } from './page-file.ts'

/** Frames as they are sent. */
export type FrameCache = ColumnCache<Pieces>

/** What routes are made from. */
export type AppParts = {
  viewers: Viewers
  /** `null`: this install has no page. */
  page: PageFile | null
  /** The page around the hosted viewer. */
  shell: PageFile | null
  columns: FrameCache
  log: Log
  report: Report
  eventLoop: EventLoopWatch
  /** Of this package. */
  version: string
  /** What `/` answers before the page; without a kernel only. */
  entrance?: Entrance | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Requests through the notebook, and by proven sockets. */
    inner: InnerRequests
    /** The connections of those who have proven nothing yet. */
    strangers: Strangers
  }
  interface FastifyRequest {
    /** What the gate decided; set before any route runs. */
    admission: Admission | null
  }
}

/** @throws Error when a route runs that the gate did not see, which cannot be */
export function admissionOf(request: FastifyRequest): Admission {
  if (request.admission === null) throw new Error('A request passed by the gate.')
  return request.admission
}

/** The viewer of the page that asks. @throws ProtocolError `bad_key` */
export function viewerOf(request: FastifyRequest, viewers: Viewers): Viewer {
  return openViewer(admissionOf(request).page?.viewerId ?? null, viewers)
}

/** A viewer that has not ended since the gate let its page through. @throws ProtocolError `bad_key` */
export function openViewer(id: ViewerId | null, viewers: Viewers): Viewer {
  const viewer = id === null ? null : viewers.get(id)
  if (viewer !== null) return viewer
  throw new ProtocolError('bad_key', 'This viewer has been closed. Run the cell or the command again to open it.')
}

/** Aborts when the browser leaves, the viewer ends, or LIMITS.dataTimeoutMs have passed, with what it was that was late. */
export function dataSignal(reply: FastifyReply, viewer: Viewer): AbortSignal {
  // By hand: AbortSignal.any and AbortSignal.timeout cost several times what a small answer does.
  const stop = new AbortController()
  const { ended } = viewer
  const end = () => stop.abort(ended.reason)
  if (ended.aborted) end()
  else ended.addEventListener('abort', end, { once: true })
  const timer = setTimeout(() => stop.abort(lateness(viewer)), LIMITS.dataTimeoutMs).unref()
  reply.raw.once('close', () => {
    clearTimeout(timer)
    ended.removeEventListener('abort', end)
    if (!reply.raw.writableFinished) stop.abort(leaveReason())
  })
  return stop.signal
}

function lateness({ pulse }: Viewer): Error {
  if (pulse.status === 'idle') return new DOMException('The data did not arrive in time.', 'TimeoutError')
  const found = 'The notebook computes and has not handed over this data yet.'
  return new ProtocolError('kernel_busy', `${found} Choose it again when the running cell has ended.`)
}

/** Aborts when the browser leaves before it has its answer. */
export function leaveSignal(reply: FastifyReply): AbortSignal {
  const leave = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leave.abort(leaveReason())
  })
  return leave.signal
}

function leaveReason(): DOMException {
  return new DOMException('The browser left.', 'AbortError')
}

/** The viewer's dataset once it is open. @throws the signal's reason; the error it was refused with */
export async function openedSource(viewer: Viewer, signal: AbortSignal): Promise<DataSource> {
  signal.throwIfAborted()
  if (viewer.openedSource !== null) return viewer.openedSource
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([viewer.source, left.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** @throws ProtocolError `bad_request` that names the field and nothing of its value */
export function parseInput<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, input)
  if (parsed.success) return parsed.output
  const field = v.getDotPath(parsed.issues[0]) ?? 'the body'
  throw new ProtocolError('bad_request', `The viewer server cannot read "${field}" of this request. Reload the page.`)
}

/** One name of the dataset in a query. */
export const nameSchema = v.pipe(v.string(), v.maxBytes(LIMITS.nameBytes))
/** A matrix in a query: which place, and of a layer its name. */
export const matrixFields = { in: v.optional(v.picklist(['X', 'raw', 'layers'])), layer: v.optional(nameSchema) }

/** A whole number in a query. */
export const countSchema = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number))
