import { createHmac, randomBytes } from 'node:crypto'
import { LIMITS } from '../process/limits.ts'
import type { ProvenSocket } from './gate.ts'
import type { KeyHolder } from './page-keys.ts'

type Entry = { url: string; sockets: Set<ProvenSocket> }

/**
 * What pages may fetch outside their sockets: large answers, each by a ticket that says nothing and is good for that one
 * read. The same read of the same viewer has the same ticket, so that the browser's cache knows it again; it ends soon
 * after the last socket that asked for it.
 */
export class Tickets {
  readonly #secret = randomBytes(32)
  readonly #entries = new Map<string, Entry>()
  readonly #bySocket = new Map<ProvenSocket, Set<string>>()

  /** @param url of the route that answers it, with its query */
  issue(socket: ProvenSocket, url: string): string {
    const ticket = this.#mac('ticket', `${socket.holder.viewerId}\n${url}`)
    const entry = this.#entries.get(ticket) ?? { url, sockets: new Set() }
    entry.sockets.add(socket)
    this.#entries.set(ticket, entry)
    const own = this.#bySocket.get(socket) ?? new Set()
    this.#bySocket.set(socket, own)
    own.delete(ticket)
    own.add(ticket)
    for (const oldest of own) {
      if (own.size <= LIMITS.ticketsPerSocket) break
      this.#forget(socket, oldest)
    }
    return ticket
  }

  /** A page that was given it, and is still there. */
  holderOf(ticket: string): KeyHolder | null {
    const [socket] = this.#entries.get(ticket)?.sockets ?? []
    return socket?.holder ?? null
  }

  urlOf(ticket: string): string | null {
    return this.#entries.get(ticket)?.url ?? null
  }

  /** The socket ended: what is on its way may still arrive. */
  end(socket: ProvenSocket): void {
    setTimeout(() => {
      for (const ticket of this.#bySocket.get(socket) ?? []) this.#forget(socket, ticket)
      this.#bySocket.delete(socket)
    }, LIMITS.ticketOutlivesMs).unref()
  }

  /** What an answer to it carries, and the page was told beforehand: nobody else's bytes are taken for ours. */
  markOf(ticket: string): string {
    return this.#mac('mark', ticket)
  }

  #mac(purpose: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${purpose}\n${text}`).digest('base64url')
  }

  #forget(socket: ProvenSocket, ticket: string): void {
    this.#bySocket.get(socket)?.delete(ticket)
    const entry = this.#entries.get(ticket)
    entry?.sockets.delete(socket)
    if (entry?.sockets.size === 0) this.#entries.delete(ticket)
  }
}
