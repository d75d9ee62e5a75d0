import { type AnswerHead, CHANNEL_LIMITS, type PageMessage } from '../../protocol/channel.ts'
import { ERROR_STATUS } from '../../protocol/errors.ts'
import { TICKET_FOLDER } from '../../protocol/urls.ts'
import type { ProvenSocket } from '../access/gate.ts'
import { errorBody } from './error-reply.ts'
import type { InnerRequests } from './inner-requests.ts'
import { answerHeaders, innerOrder, isRelativePath } from './tunnel.ts'

type Ask = Extract<PageMessage, { kind: 'ask' }>
type PageRequestParts = {
  inner: InnerRequests
  socket: ProvenSocket
  /** The Host by which the socket came. */
  host: string
  answer(head: AnswerHead, body: Uint8Array): void
}

/** What tells a request by socket that its answer is to be fetched by a ticket; no header of any answer. */
export const TICKET_HEADER = 'x-cellucid-ticket'
export const TICKET_MARK_HEADER = 'x-cellucid-ticket-mark'

/** What one page asks for by its socket: the same routes, the same gate. */
export class PageRequests {
  readonly #parts: PageRequestParts
  readonly #underWay = new Map<number, AbortController>()

  constructor(parts: PageRequestParts) {
    this.#parts = parts
  }

  take(ask: Ask, body: Uint8Array): void {
    void this.#answer(ask, body)
  }

  forget(id: number): void {
    this.#underWay.get(id)?.abort()
  }

  /** The socket ended. */
  end(): void {
    for (const stop of this.#underWay.values()) stop.abort()
  }

  async #answer({ id, method, path, headers }: Ask, body: Uint8Array): Promise<void> {
    const { inner, socket, host, answer } = this.#parts
    const isTooMany = this.#underWay.size >= CHANNEL_LIMITS.asksUnderWay || this.#underWay.has(id)
    if (isTooMany || !isRelativePath(path)) return this.#refuse(id, isTooMany ? 'overloaded' : 'bad_request')
    const stop = new AbortController()
    this.#underWay.set(id, stop)
    try {
      const order = innerOrder({ method, path, headers, body }, host)
      const { status, headers: all, body: answered } = await inner.ask(order, socket, stop.signal)
      if (stop.signal.aborted) return
      const ticket = ticketOf(all)
      answer({ kind: 'answer', id, status, headers: answerHeaders(all), ...(ticket && { ticket }) }, answered)
    } catch (error) {
      // Whoever stopped waiting hears nothing; all else that ends a request inside is a fault of ours.
      if (!stop.signal.aborted) this.#refuse(id, 'internal')
      if (!(error instanceof Error)) throw error
    } finally {
      this.#underWay.delete(id)
    }
  }

  #refuse(id: number, code: 'overloaded' | 'bad_request' | 'internal'): void {
    const body = new TextEncoder().encode(JSON.stringify(errorBody(code)))
    const headers = { 'content-type': 'application/json' }
    this.#parts.answer({ kind: 'answer', id, status: ERROR_STATUS[code], headers }, body)
  }
}

function ticketOf(headers: Record<string, unknown>): AnswerHead['ticket'] {
  const [ticket, mark] = [headers[TICKET_HEADER], headers[TICKET_MARK_HEADER]]
  if (typeof ticket !== 'string' || typeof mark !== 'string') return undefined
  return { path: `${TICKET_FOLDER}/${ticket}`, mark }
}
