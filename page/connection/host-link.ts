import * as v from 'valibot'
import type { ConsoleLine } from '../../protocol/events.ts'
import { connectSchema, type FromPage, type PageReady, type ToPage, toPageSchema } from '../../protocol/page-link.ts'
import { type PageKey, parsePageKey } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { Connection } from './connection.ts'
import { ServerFailure } from './server-failure.ts'
import type { Answer, Call } from './transport.ts'

type Start = Extract<ToPage, { kind: 'start' }>
type Port = { port: MessagePort; viewerId: string }
type Fetch = { resolve(answer: Answer): void; reject(reason: unknown): void; signal: AbortSignal; stop(): void }

export type WaitsFor = Extract<ToPage, { kind: 'stalled' }>['waitsFor']

export type HostHandlers = {
  theme(theme: 'light' | 'dark'): void
  /** Tunnel: requests wait for something, or flow again. */
  stalled(waitsFor: WaitsFor): void
}

/**
 * The page's end of the port to the widget. Made by {@link connectHost}; all messages are parsed, those of unknown kind
 * are counted and dropped.
 */
export class HostLink {
  /** Whom this frame shows; in the tunnel the page has no address that says so. */
  readonly viewerId: string
  readonly start: Start
  /** Messages that no schema knew. */
  dropped = 0
  readonly #port: MessagePort
  readonly #handlers: HostHandlers
  readonly #fetches = new Map<number, Fetch>()
  readonly #key = Promise.withResolvers<PageKey>()
  #comeBack = Promise.withResolvers<void>()
  #nextId = 1

  constructor({ port, viewerId }: Port, start: Start, handlers: HostHandlers) {
    this.#port = port
    this.viewerId = viewerId
    this.start = start
    this.#handlers = handlers
    const key = parsePageKey(start.pageKey)
    if (key !== null) this.#key.resolve(key)
    port.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
  }

  /** The key that the widget got for this page: at once in the tunnel, after a relayed probe behind a cookie wall. */
  get pageKey(): Promise<PageKey> {
    return this.#key.promise
  }

  drawn(cells: number): void {
    this.#send({ kind: 'drawn', cells })
  }

  failed(message: string): void {
    this.#send({ kind: 'failed', message })
  }

  /** Ask the widget to look for the server anew. */
  lost(reason: string): void {
    this.#send({ kind: 'lost', reason })
  }

  /** Ask whether the server is where it was; resolves when one try to come back to it is allowed. */
  async mayComeBack(instanceId: string, signal: AbortSignal): Promise<void> {
    this.#comeBack = Promise.withResolvers()
    this.#send({ kind: 'away', instanceId })
    const stop = () => this.#comeBack.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    await this.#comeBack.promise.finally(() => signal.removeEventListener('abort', stop))
  }

  /** Make the cell so high, CSS pixels. */
  resize(height: number): void {
    this.#send({ kind: 'resize', height })
  }

  console(lines: ConsoleLine[]): void {
    this.#send({ kind: 'console', lines })
  }

  /** One request through the notebook. */
  ask({ method, path, headers, body, signal }: Call): Promise<Answer> {
    signal.throwIfAborted()
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const stop = () => {
      this.#settle(id)?.reject(signal.reason)
      this.#send({ kind: 'abort', id })
    }
    signal.addEventListener('abort', stop, { once: true })
    this.#fetches.set(id, { resolve, reject, signal, stop })
    const bytes = (body ?? null) as Uint8Array<ArrayBuffer> | null // never over a SharedArrayBuffer
    this.#send({ kind: 'fetch', id, method, path, headers: { ...headers }, body: bytes })
    return promise
  }

  close(): void {
    this.#port.close()
  }

  #settle(id: number): Fetch | undefined {
    const waiting = this.#fetches.get(id)
    this.#fetches.delete(id)
    waiting?.signal.removeEventListener('abort', waiting.stop)
    return waiting
  }

  #send(message: FromPage): void {
    this.#port.postMessage(message)
  }

  #receive(data: unknown): void {
    const parsed = v.safeParse(toPageSchema, data)
    if (!parsed.success) {
      this.dropped++
      return
    }
    const message = parsed.output
    switch (message.kind) {
      case 'start':
        break // The first one made this link; a second changes nothing.
      case 'theme':
        this.#handlers.theme(message.theme)
        break
      case 'stalled':
        this.#handlers.stalled(message.waitsFor)
        break
      case 'response': {
        const { id, status, headers, body } = message
        this.#settle(id)?.resolve({ status, headers: lowerCaseNames(headers), body })
        break
      }
      case 'fetchFailed':
        this.#settle(message.id)?.reject(new ServerFailure('network', message.reason))
        break
      case 'probe':
        void this.#relayProbe(message.id, message.query)
        break
      case 'comeBack':
        this.#comeBack.resolve()
        break
      case 'key': {
        const key = parsePageKey(message.pageKey)
        if (key !== null) this.#key.resolve(key)
        break
      }
    }
  }

  /** Behind a cookie wall the widget cannot ask the base itself: the page asks in its place and passes the answer on. */
  async #relayProbe(id: number, query: string): Promise<void> {
    try {
      const response = await Connection.relay(`${ROUTES.health}?${new URLSearchParams(query)}`)
      const isJson = response.headers.get('content-type')?.includes('json') === true
      const body: unknown = isJson ? await response.json() : null
      this.#send({ kind: 'probeAnswer', id, status: response.status, body })
    } catch (error) {
      this.#send({ kind: 'probeAnswer', id, status: 0, body: error instanceof Error ? error.message : null })
    }
  }
}

function lowerCaseNames(headers: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/**
 * Tell the widget around this frame that the page is there, and wait for its port.
 * @returns the link once the widget said `start`; `null` in a tab, where there is nobody to tell
 */
export async function connectHost(
  page: Window,
  ready: Omit<PageReady, 'kind'>,
  handlers: HostHandlers,
): Promise<HostLink | null> {
  if (page.parent === page) return null
  const connection = await receivePort(page, { kind: 'pageReady', ...ready })
  const start = await new Promise<Start>((resolve) => {
    connection.port.onmessage = (event: MessageEvent<unknown>) => {
      const parsed = v.safeParse(toPageSchema, event.data)
      if (parsed.success && parsed.output.kind === 'start') resolve(parsed.output)
    }
  })
  return new HostLink(connection, start, handlers)
}

function receivePort(page: Window, ready: PageReady): Promise<Port> {
  return new Promise((resolve) => {
    const listen = (event: MessageEvent<unknown>) => {
      const port = event.ports[0]
      if (event.source !== page.parent || port === undefined || !v.is(connectSchema, event.data)) return
      page.removeEventListener('message', listen)
      resolve({ port, viewerId: event.data.viewerId })
    }
    page.addEventListener('message', listen)
    // The viewer's id is public, and the widget checks who speaks: any parent may hear this.
    page.parent.postMessage(ready, '*')
  })
}
