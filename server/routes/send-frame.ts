import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DataSource, Part } from '../../data/data-source.ts'
import { changedSince, readPart } from '../../data/read-part.ts'
import { CHANNEL_LIMITS } from '../../protocol/channel.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { Pieces } from '../frames/byte-pieces.ts'
import { TICKET_HEADER, TICKET_MARK_HEADER } from '../http/page-requests.ts'
import {
  type AppParts,
  admissionOf,
  dataSignal,
  type FrameCache,
  openedSource,
  viewerOf,
} from '../http/request-context.ts'
import { isUnchanged, sendBytes, sendUnchanged } from '../http/send-bytes.ts'

const compress = promisify(gzip)

/** A frame of bytes read from the viewer's source: a column, or an embedding. */
export type FrameAsk = {
  /** Names it within the source; part of its ETag. */
  key: string
  /** What it is read from. */
  part: Part
  isGzipped: boolean
  /** @param version of the part, which the frame says it has */
  make: (source: DataSource, version: string, signal: AbortSignal) => Promise<Uint8Array[]>
}
/** What is asked for may depend on the source: the default embedding, the default colour, of which there may be none. */
export type Wanted = {
  isNamed: boolean
  /** The version of the part that the page knows, and wants none but; where it knows none, any. */
  version: string | undefined
  choose: (source: DataSource, signal: AbortSignal) => Promise<FrameAsk | null>
}

/** Answer with one frame: from the browser's own cache by its ETag, from ours, or read now. */
export async function sendFrame(
  parts: AppParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { isNamed, version: known, choose }: Wanted,
): Promise<FastifyReply> {
  if (parts.eventLoop.isOverloaded) {
    throw new ProtocolError('overloaded', 'The viewer server has too much to do just now. Choose it again in a moment.')
  }
  const viewer = viewerOf(request, parts.viewers)
  const signal = dataSignal(reply, viewer)
  const source = await openedSource(viewer, signal)
  const { socket } = admissionOf(request)
  if (socket !== null && (await isLarge(source, signal))) {
    const ticket = parts.viewers.tickets.issue(socket, request.url)
    const mark = parts.viewers.tickets.markOf(ticket)
    return reply.headers({ [TICKET_HEADER]: ticket, [TICKET_MARK_HEADER]: mark }).send()
  }
  // A page that loads names nothing, and sees what is new; further parts of a body are of what its first part was.
  if (!isNamed && request.headers.range === undefined) await source.catchUp(signal)
  const ask = await choose(source, signal)
  // Every page asks before it can know, so no default is an answer and not an error.
  if (ask === null) return reply.code(204).send()
  return readPart(source, { part: ask.part, known, signal }, async (version) => {
    const etag = etagOf([viewer.instanceId, source.id, version, ask.key, ask.isGzipped ? 'gzip' : 'plain'])
    if (isUnchanged(request, etag)) return sendUnchanged(reply, etag)
    const content = await readFrame(parts.columns, { source, version, ask, signal })
    viewer.sorting.look()
    const type = ask.isGzipped ? 'application/gzip' : 'application/octet-stream'
    return sendBytes(request, reply, { content, etag, type })
  })
}

/** By what a frame of one value per cell takes: told without reading it. */
async function isLarge(source: DataSource, signal: AbortSignal): Promise<boolean> {
  const { nObs } = await source.identity(signal)
  return nObs * Float32Array.BYTES_PER_ELEMENT > CHANNEL_LIMITS.inlineBytes
}

/** Whether a key of the frame cache names something of this source. */
export function isFrameOf(key: string, sourceId: string): boolean {
  return key.startsWith(`[${JSON.stringify(sourceId)},`)
}

type Read = { source: DataSource; version: string; ask: FrameAsk; signal: AbortSignal }

/** Not `Content-Encoding`: a part of a body that proxies may unpack cannot be joined with another. */
export function readFrame(columns: FrameCache, { source, version, ask, signal }: Read): Promise<Pieces> {
  // By the version of its part: a new column of obs lets no gene go.
  const key = JSON.stringify([source.id, version, ask.key])
  const plain = (stop: AbortSignal) =>
    columns.get(key, stop, async (shared) => {
      const pieces = await ask.make(source, version, shared)
      // Others ask at the same time: what was described anew meanwhile may be what was read.
      if (source.describedVersion(ask.part) !== version) throw changedSince(ask.part)
      return new Pieces(pieces)
    })
  if (!ask.isGzipped) return plain(signal)
  return columns.get(`${key}.gz`, signal, async (shared) => {
    const { pieces } = await plain(shared)
    return new Pieces([await compress(Buffer.concat(pieces), { level: 1 })])
  })
}

/** All viewers of all servers share one origin and its cache behind a proxy, so the ETag names which data it was. */
function etagOf(parts: readonly string[]): string {
  const named = JSON.stringify(parts)
  const known = etags.get(named)
  if (known !== undefined) return known
  const etag = `"${hash('sha256', named, 'base64url').slice(0, 22)}"`
  if (etags.size >= MAX_KEPT_ETAGS) etags.clear()
  etags.set(named, etag)
  return etag
}

/** Parts of one body are asked for many times. */
const etags = new Map<string, string>()
const MAX_KEPT_ETAGS = 256
