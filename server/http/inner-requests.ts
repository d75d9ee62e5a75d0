import type { FastifyInstance, InjectOptions } from 'fastify'
import type { ProvenSocket } from '../access/gate.ts'
import { LIMITS } from '../process/limits.ts'
import { errorBody } from './error-reply.ts'

export type InnerAnswer = { status: number; headers: Record<string, unknown>; body: Uint8Array }
type InnerOrder = Pick<InjectOptions, 'method' | 'url' | 'headers' | 'payload'>
type UnderWay = { body: Buffer | null; socket: ProvenSocket | null; signal: AbortSignal | null }

/** Requests that come by another way than a connection of their own, into the same routes by the same gate. */
export class InnerRequests {
  readonly #app: FastifyInstance
  /** Of requests under way, by what stands in the place of an address; no socket has one like it. */
  readonly #underWay = new Map<string, UnderWay>()
  #lastAddress = 0

  /** @param app that does not listen yet. Bytes that it answers here are taken as they are: writing them copies them */
  constructor(app: FastifyInstance) {
    this.#app = app
    // A signal handed to `inject` itself ends the process where it aborts before somebody reads the answer
    // (light-my-request 6.8: the answer's stream fails without a listener).
    app.addHook('onRequest', ({ raw }, reply, done) => {
      const signal = this.#underWay.get(raw.socket.remoteAddress ?? '')?.signal
      if (signal?.aborted) {
        reply.hijack()
        reply.raw.destroy()
        return
      }
      signal?.addEventListener('abort', () => reply.raw.destroy(), { once: true })
      done()
    })
    app.addHook('onSend', ({ raw }, _reply, payload, done) => {
      const entry = Buffer.isBuffer(payload) ? this.#underWay.get(raw.socket.remoteAddress ?? '') : undefined
      if (entry === undefined) return done(null, payload)
      entry.body = payload as Buffer // just checked
      done(null, null)
    })
  }

  /** The proven socket that brought a request; `null` of all others. */
  socketOf(address: string | undefined): ProvenSocket | null {
    return this.#underWay.get(address ?? '')?.socket ?? null
  }

  /**
   * @param socket whose page asks; `null`: the request says itself who does
   * @param signal aborts when nobody waits for the answer any more
   * @throws Error when the signal aborted
   */
  async ask(order: InnerOrder, socket: ProvenSocket | null, signal: AbortSignal | null = null): Promise<InnerAnswer> {
    const address = `inner-${++this.#lastAddress}`
    this.#underWay.set(address, { body: null, socket, signal })
    try {
      // As a stream: else each body is decoded as text too, which takes longer than all the rest (25 ms for 1 MiB).
      const answer = await this.#app.inject({ ...order, remoteAddress: address, payloadAsStream: true })
      const most = socket === null ? LIMITS.tunnelAnswerBytes : LIMITS.socketAnswerBytes
      const written = await bodyOf(answer.stream(), most)
      const body = this.#underWay.get(address)?.body ?? written
      if (body === null || body.byteLength > most) return tooLarge()
      return { status: answer.statusCode, headers: answer.headers, body }
    } finally {
      this.#underWay.delete(address)
    }
  }
}

/** @returns `null` past the limit */
async function bodyOf(stream: AsyncIterable<Buffer>, most: number): Promise<Uint8Array | null> {
  const chunks: Buffer[] = []
  let byteLength = 0
  for await (const chunk of stream) {
    byteLength += chunk.byteLength
    if (byteLength > most) return null
    chunks.push(chunk)
  }
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
}

/** Larger bodies come by Range, or by a ticket. */
function tooLarge(): InnerAnswer {
  const body = new TextEncoder().encode(JSON.stringify(errorBody('too_large')))
  return { status: 413, headers: { 'content-type': 'application/json' }, body }
}
