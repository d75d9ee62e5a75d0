import * as v from 'valibot'
import type { CandidateKind } from '../../protocol/comm.ts'
import { type FromPage, fromPageSchema, type ToPage } from '../../protocol/page-link.ts'

export type PageEvents = {
  message(page: PageLink, message: PageMessage): void
  /** The notebook took the frame out of its page and put it back, which empties it; `null`: before its page spoke. */
  moved(page: PageLink | null): void
  /** The frame was loaded anew, and its page has lost what it knew. */
  reloaded(page: PageLink): void
}

/** What a view hears; the rest is between the page and its link. */
export type PageMessage = Exclude<FromPage, { kind: 'fetch' | 'abort' | 'probeAnswer' }>

type ProbeAnswer = { status: number; body: unknown }
type Carried = Extract<FromPage, { kind: 'fetch' | 'abort' }>

type Life = {
  /** `null` in the tunnel. */
  base: string | null
  kind: CandidateKind
  events: PageEvents
  close: AbortController
  keep: () => void
}

/** A page that spoke: one iframe, and the port to what runs in it. */
export class PageLink {
  readonly iframe: HTMLIFrameElement
  readonly kind: CandidateKind
  readonly base: string | null
  readonly closed: AbortSignal
  /** Carries the page's requests; only the tunnel has one. */
  onFetch: ((message: Carried) => void) | null = null
  readonly #port: MessagePort
  readonly #life: Life
  #answer: ((answer: ProbeAnswer) => void) | null = null

  constructor(iframe: HTMLIFrameElement, port: MessagePort, life: Life) {
    this.iframe = iframe
    this.kind = life.kind
    this.base = life.base
    this.closed = life.close.signal
    this.#port = port
    this.#life = life
    port.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    this.closed.addEventListener('abort', () => {
      port.close()
      iframe.remove()
    })
  }

  send(message: ToPage, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  /** Let the page ask its own server; `null` when it does not answer in time. */
  probe(query: string, signal: AbortSignal): Promise<ProbeAnswer | null> {
    return new Promise((resolve) => {
      this.#answer = resolve
      signal.addEventListener('abort', () => resolve(null), { once: true })
      this.send({ kind: 'probe', id: 1, query })
    })
  }

  /** From here on the page outlives the search that opened it. */
  keep(): void {
    this.#life.keep()
  }

  close(): void {
    this.#life.close.abort()
  }

  #receive(data: unknown): void {
    const parsed = v.safeParse(fromPageSchema, data)
    if (!parsed.success) return // of a newer page
    const message = parsed.output
    switch (message.kind) {
      case 'fetch':
      case 'abort':
        this.onFetch?.(message)
        break
      case 'probeAnswer':
        this.#answer?.(message)
        break
      default:
        this.#life.events.message(this, message)
    }
  }
}
