import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KEY_HEADER } from '../../protocol/urls.ts'
import type { Pieces } from '../frames/byte-pieces.ts'
import { parseRange } from './byte-range.ts'
import { errorBody } from './error-reply.ts'
import { REVALIDATE } from './headers.ts'

/** The same bytes as the browser holds already. */
export function isUnchanged(request: FastifyRequest, etag: string): boolean {
  const held = request.headers['if-none-match']
  return held?.split(',').some((text) => text.trim().replace(/^W\//, '') === etag) ?? false
}

function cacheHeaders(etag: string) {
  return { etag, vary: KEY_HEADER, 'cache-control': REVALIDATE }
}

export function sendUnchanged(reply: FastifyReply, etag: string): FastifyReply {
  return reply.code(304).headers(cacheHeaders(etag)).send()
}

/**
 * Send bytes, or the part of them that was asked for. A part is sent only of the very bytes that `If-Range` names, so
 * that no reader ever joins parts of two versions.
 */
export function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { content, etag, type }: { content: Pieces; etag: string; type: string },
): FastifyReply {
  void reply.headers({ ...cacheHeaders(etag), 'accept-ranges': 'bytes', 'content-type': type })
  const { range: asked, 'if-range': ifRange } = request.headers
  const isRangeMeant = request.method === 'GET' && asked !== undefined && (ifRange === undefined || ifRange === etag)
  const range = isRangeMeant ? parseRange(asked, content.byteLength) : null
  if (range === null) return sendWhole(reply, content)
  if (range === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${content.byteLength}`).type('application/json')
    return reply.code(416).send(errorBody('range_not_satisfiable'))
  }
  void reply.header('content-range', `bytes ${range.start}-${range.end - 1}/${content.byteLength}`)
  return reply.code(206).send(asBuffer(content.slice(range.start, range.end)))
}

function sendWhole(reply: FastifyReply, { pieces, byteLength }: Pieces): FastifyReply {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return reply.send(asBuffer(only))
  return reply.header('content-length', byteLength).send(Readable.from(pieces.map(asBuffer)))
}

/** On the same memory. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
