import type { FastifyInstance, InjectOptions } from 'fastify'
import { ProtocolError } from '../protocol/errors.ts'
import type { KernelCall } from '../protocol/pipe.ts'
import { errorBody } from './error-reply.ts'
import { LIMITS } from './limits.ts'

export type TunnelFetch = Extract<KernelCall, { method: 'tunnel.fetch' }>['params']
export type TunnelAnswer = { status: number; headers: Record<string, string>; body: Uint8Array }

/** All else a browser or a proxy may say is not passed on. */
const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'range',
  'if-range',
  'if-none-match',
  'if-match',
  'content-type',
  'x-cellucid-key',
])
const ANSWER_HEADERS = [
  'content-type',
  'content-range',
  'accept-ranges',
  'etag',
  'retry-after',
  'cache-control',
] as const

/** Requests that came through the notebook's own connection, into the same routes by the same gate. */
export class Tunnel {
  readonly #app: FastifyInstance
  readonly #inFlight = new Map<string, number>()
  /** Of requests under way, by what stands in the place of an address; no socket has one like it. */
  readonly #bodies = new Map<string, Buffer | null>()
  #lastAddress = 0

  /** @param app that does not listen yet. Bytes that it answers here are taken as they are: writing them copies them */
  constructor(app: FastifyInstance) {
    this.#app = app
    app.addHook('onSend', ({ raw }, _reply, payload, done) => {
      if (!Buffer.isBuffer(payload)) return done(null, payload)
      const address = raw.socket.remoteAddress ?? ''
      if (!this.#bodies.has(address)) return done(null, payload)
      this.#bodies.set(address, payload)
      done(null, null)
    })
  }

  /**
   * One request of one view.
   * @param port the server's own: the Host of these requests
   * @throws ProtocolError `bad_request` for a path that is not relative to the base
   */
  async fetch({ view, httpMethod, path, headers }: TunnelFetch, body: Uint8Array, port: number): Promise<TunnelAnswer> {
    if (path.startsWith('/')) throw new ProtocolError('bad_request', 'A path through the notebook is relative.')
    const count = this.#inFlight.get(view) ?? 0
    if (count >= LIMITS.tunnelRequestsPerView) {
      throw new ProtocolError('overloaded', 'Too many requests of this view are under way.')
    }
    this.#inFlight.set(view, count + 1)
    try {
      return await this.#inject({
        method: httpMethod,
        url: `/${path}`,
        headers: { ...allowedHeaders(headers), host: `127.0.0.1:${port}` },
        ...(httpMethod === 'GET' ? {} : { payload: Buffer.from(body) }),
      })
    } finally {
      this.#leave(view)
    }
  }

  async #inject(request: InjectOptions): Promise<TunnelAnswer> {
    const address = `tunnel-${++this.#lastAddress}`
    this.#bodies.set(address, null)
    try {
      // As a stream: else each body is decoded as text too, which takes longer than all the rest (25 ms for 1 MiB).
      const answer = await this.#app.inject({ ...request, remoteAddress: address, payloadAsStream: true })
      const written = await bodyOf(answer.stream())
      const body = this.#bodies.get(address) ?? written
      if (body === null || body.byteLength > LIMITS.tunnelAnswerBytes) return tooLarge()
      return { status: answer.statusCode, headers: answerHeaders(answer.headers), body }
    } finally {
      this.#bodies.delete(address)
    }
  }

  #leave(view: string): void {
    const count = this.#inFlight.get(view) ?? 0
    if (count <= 1) this.#inFlight.delete(view)
    else this.#inFlight.set(view, count - 1)
  }
}

/** @returns `null` past the limit */
async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Uint8Array | null> {
  const chunks: Buffer[] = []
  let byteLength = 0
  for await (const chunk of stream) {
    byteLength += chunk.byteLength
    if (byteLength > LIMITS.tunnelAnswerBytes) return null
    chunks.push(chunk)
  }
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
}

function allowedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => REQUEST_HEADERS.has(name)),
  )
}

function answerHeaders(headers: Record<string, unknown>): Record<string, string> {
  const answered = ANSWER_HEADERS.flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [[name, String(value)] as const]
  })
  return Object.fromEntries(answered)
}

/** Larger bodies come by Range. */
function tooLarge(): TunnelAnswer {
  const body = new TextEncoder().encode(JSON.stringify(errorBody('too_large')))
  return { status: 413, headers: { 'content-type': 'application/json' }, body }
}
