import * as v from 'valibot'
import {
  type KernelMessage,
  kernelMessageSchema,
  TUNNEL_LIMITS,
  type Welcome,
  type WidgetMessage,
} from '../../protocol/comm.ts'
import { assertNever } from '../../protocol/errors.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { NotebookDocument } from './notebook-document.ts'

/** What anywidget hands to `initialize` and `render`. */
export interface WidgetModel {
  get(name: string): unknown
  on(event: string, callback: (...args: never[]) => void): void
  off(event: string, callback: (...args: never[]) => void): void
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void
  /** Every front end's own. */
  widget_manager?: unknown
}

/** One answer of the kernel to a tunnel request; `body` is a copy of its own. */
export type TunnelResponse = Extract<KernelMessage, { kind: 'response' }> & { body: Uint8Array<ArrayBuffer> }

/** One request of a view; the link knows how its body travels. */
export type LinkFetch = Omit<Extract<WidgetMessage, { kind: 'fetch' }>, 'kind' | 'asText' | 'bytes' | 'text'>

export type LinkEvents = {
  welcome(welcome: Welcome): void
  response(response: TunnelResponse): void
  /** The body of this request or of its answer was lost on the way; asked again, it goes as text. */
  bodyLost(of: { view: string; id: number }): void
  /** The server of the last `welcome` has ended. */
  gone(): void
  noted(noted: Extract<KernelMessage, { kind: 'noted' }>): void
  /** {@link KernelLink.cellRuns} was told. */
  cell(): void
  /** The comm is gone for good: the kernel restarted or closed the widget. */
  dead(): void
  stopped(reason: string): void
}

/**
 * The comm of one model, shared by its views. It listens from `initialize` on, since the kernel's `welcome` is pushed
 * unasked and often comes before the first render; it sends nothing by itself.
 */
export class KernelLink {
  /** The last one heard, with the secret; kept here and nowhere else. */
  welcome: Welcome | null = null
  /** Why the viewer ended; `null` while it lives. */
  stopped: string | null = null
  /** A cell is known to run; otherwise nobody knows what a silent kernel does. */
  cellRuns = false
  /** The server process that has ended, as the kernel said. */
  #gone: string | null = null
  /** Messages that no schema knew. */
  dropped = 0
  /** The notebook that the widget stands in. */
  readonly document: NotebookDocument
  readonly #model: WidgetModel
  readonly #listeners = new Set<Partial<LinkEvents>>()
  #lastRequestId = 0
  /** `null` until a message or an event told. */
  #isDead: boolean | null = null
  /** A body did not arrive, or a message for its body: so none that follows would. */
  #losesBuffers = false

  constructor(model: WidgetModel, signal: AbortSignal) {
    this.#model = model
    this.document = new NotebookDocument(model.widget_manager)
    const receive = (message: unknown, buffers: unknown) => this.#receive(message, buffers)
    const die = () => this.#die()
    // Managers set the liveness of all models in one go: look once they are through.
    const look = () => setTimeout(() => this.#look(), 0)
    model.on('msg:custom', receive)
    model.on('comm:close', die)
    model.on('comm_live_update', look)
    signal.addEventListener('abort', () => {
      model.off('msg:custom', receive)
      model.off('comm:close', die)
      model.off('comm_live_update', look)
    })
  }

  /** false where no kernel stands behind the widget: a reopened notebook, a page made by nbconvert, a restart. */
  get isLive(): boolean {
    return this.#isDead === null ? layoutIsLive(this.#model) !== false : !this.#isDead
  }

  /** The largest body of one message, either way. */
  get partBytes(): number {
    const { partBytes, textPartBytes, smallPartBytes } = TUNNEL_LIMITS
    const most = this.#asText ? textPartBytes : partBytes
    return this.welcome?.hints.databricks ? Math.min(most, smallPartBytes) : most
  }

  get #asText(): boolean {
    return this.#losesBuffers || this.welcome?.buffers === false
  }

  /** The kernel knows of no living server: its port may be anybody's. */
  get isGone(): boolean {
    return this.#gone !== null && this.#gone === this.welcome?.instanceId
  }

  /** Never the same twice, also for a view's later tunnels: the kernel gives a repeated id the answer it gave before. */
  nextRequestId(): number {
    return ++this.#lastRequestId
  }

  /** Hear what comes from now on. */
  listen(events: Partial<LinkEvents>, signal: AbortSignal): void {
    this.#listeners.add(events)
    signal.addEventListener('abort', () => this.#listeners.delete(events))
  }

  /** @returns false when the comm refused, which means that it is dead */
  send(message: Exclude<WidgetMessage, { kind: 'fetch' }>): boolean {
    return this.#send(message, [])
  }

  /**
   * One request of a view.
   * @param body owned by the caller and copied here: managers send a view's whole backing buffer
   * @param isAgain it was asked before, and nothing came back
   */
  fetch(request: LinkFetch, body: Uint8Array | null, isAgain = false): void {
    const isShort = body !== null && body.byteLength <= TUNNEL_LIMITS.textPartBytes
    const asText = this.#asText || (isAgain && isShort)
    const message = { kind: 'fetch', ...request, asText, bytes: body?.byteLength ?? 0 } as const
    if (body === null) this.#send(message, [])
    else if (asText) this.#send({ ...message, text: toBase64(body) }, [])
    // `slice` of a Uint8Array has a buffer of its own, and ours are never shared.
    else this.#send(message, [body.slice().buffer as ArrayBuffer])
  }

  #send(message: WidgetMessage, buffers: ArrayBuffer[]): boolean {
    try {
      this.#model.send(message, undefined, buffers)
      return true
    } catch {
      this.#die() // A comm that throws is closed; there is nobody to tell but the views.
      return false
    }
  }

  #receive(content: unknown, buffers: unknown): void {
    const parsed = v.safeParse(kernelMessageSchema, content)
    if (!parsed.success) {
      this.dropped++
      return
    }
    this.#isDead = false // Whoever speaks is not dead.
    const message = parsed.output
    switch (message.kind) {
      case 'welcome':
        this.welcome = message
        this.stopped = null
        this.cellRuns = message.cellRuns
        this.#emit((events) => events.welcome?.(message))
        break
      case 'response':
        this.#receiveResponse(message, buffers)
        break
      case 'bodyLost':
        this.#loseBody(message)
        break
      case 'gone':
        this.#gone = message.instanceId
        if (this.isGone) this.#emit((events) => events.gone?.())
        break
      case 'noted':
        this.#emit((events) => events.noted?.(message))
        break
      case 'cell':
        this.cellRuns = message.runs
        this.#emit((events) => events.cell?.())
        break
      case 'stopped':
        this.stopped = message.reason
        this.#emit((events) => events.stopped?.(message.reason))
        break
      default:
        assertNever(message)
    }
  }

  #receiveResponse(message: Extract<KernelMessage, { kind: 'response' }>, buffers: unknown): void {
    const body = message.text === undefined ? firstBuffer(buffers) : fromBase64(message.text)
    // The kernel answers as it was asked first: what was asked with a buffer never arrived.
    if (message.text !== undefined) this.#losesBuffers = true
    if (body.byteLength !== message.bytes) this.#loseBody(message)
    else this.#emit((events) => events.response?.({ ...message, body }))
  }

  #loseBody({ view, id }: { view: string; id: number }): void {
    this.#losesBuffers = true
    this.#emit((events) => events.bodyLost?.({ view, id }))
  }

  #look(): void {
    // Without a layout to look at, the event alone speaks: it is only sent for a lost comm once the model stands.
    if (layoutIsLive(this.#model) !== true) this.#die()
  }

  #die(): void {
    if (this.#isDead === true) return
    this.#isDead = true
    this.#emit((events) => events.dead?.())
  }

  #emit(tell: (events: Partial<LinkEvents>) => void): void {
    for (const events of [...this.#listeners]) tell(events)
  }
}

/**
 * A widget's layout is a model of the same manager, made and lost together with ours; it is the only one that is handed
 * out whole, with its liveness. `null` where a front end has none (marimo).
 */
function layoutIsLive(model: WidgetModel): boolean | null {
  const layout = model.get('layout')
  if (typeof layout !== 'object' || layout === null || !('comm_live' in layout)) return null
  return layout.comm_live === true
}

/** Hosts hand over a DataView, an ArrayBuffer or a typed array, mostly a window on a larger message. */
function firstBuffer(buffers: unknown): Uint8Array<ArrayBuffer> {
  const first: unknown = Array.isArray(buffers) ? buffers[0] : undefined
  if (first instanceof ArrayBuffer) return new Uint8Array(first.slice(0))
  if (ArrayBuffer.isView(first)) return new Uint8Array(first.buffer, first.byteOffset, first.byteLength).slice()
  return new Uint8Array(0)
}
