import * as v from 'valibot'
import { type FromPage, fromPageSchema, pageReadySchema, type ToPage } from '../protocol/page-link.ts'
import { isLoopback } from './page-facts.ts'

/** How long a page may take from navigation to its first message; a blocked frame never sends one. */
export const FRAME_TIMEOUT_MS = 5_000

/** A proven base, or the page itself where no base is. */
export type FrameContent = { how: 'navigate'; base: string; url: string } | { how: 'srcdoc'; html: string }

export type PageEvents = {
  message(message: FromPage): void
  /** The frame was loaded anew, and its page has lost what it knew: the notebook moved the node, or the page reloaded. */
  reloaded(): void
}

type Life = { events: PageEvents; close: AbortController; keep: () => void }

/** A page that spoke: one iframe, and the port to what runs in it. */
export class PageLink {
  readonly iframe: HTMLIFrameElement
  /** Messages that no schema knew. */
  dropped = 0
  readonly #port: MessagePort
  readonly #close: AbortController
  readonly #keep: () => void

  constructor(iframe: HTMLIFrameElement, port: MessagePort, { events, close, keep }: Life) {
    this.iframe = iframe
    this.#port = port
    this.#close = close
    this.#keep = keep
    port.onmessage = (event: MessageEvent<unknown>) => {
      const parsed = v.safeParse(fromPageSchema, event.data)
      if (parsed.success) events.message(parsed.output)
      else this.dropped++
    }
    close.signal.addEventListener('abort', () => {
      port.close()
      iframe.remove()
    })
  }

  send(message: ToPage, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  /** From here on the page outlives the signal it was opened under. */
  keep(): void {
    this.#keep()
  }

  close(): void {
    this.#close.abort()
  }
}

type OpenOptions = { stage: HTMLElement; viewerId: string; events: PageEvents; signal: AbortSignal }

/**
 * Load the page and wait until it speaks.
 * @returns the link to it, or `null` when nothing came in time: blocked, another page, a login
 */
export async function openFrame(content: FrameContent, options: OpenOptions): Promise<PageLink | null> {
  const { stage, viewerId, events, signal } = options
  const close = new AbortController()
  const iframe = makeIframe(content)
  const follow = () => close.abort()
  signal.addEventListener('abort', follow, { signal: close.signal })
  const origin = content.how === 'srcdoc' ? 'null' : new URL(content.base).origin
  const spoke = hearPage(iframe, {
    origin,
    viewerId,
    signal: AbortSignal.any([close.signal, AbortSignal.timeout(FRAME_TIMEOUT_MS)]),
  })
  show(iframe, content, stage)
  const isReady = await spoke
  if (!isReady || signal.aborted) {
    close.abort()
    iframe.remove()
    return null
  }
  const { port1, port2 } = new MessageChannel()
  // An opaque origin cannot be named; its frame was recognised by its window, and the port carries no secret yet.
  iframe.contentWindow?.postMessage({ kind: 'connect', viewerId }, origin === 'null' ? '*' : origin, [port2])
  watchReload(iframe, { origin, events, signal: close.signal })
  return new PageLink(iframe, port1, { events, close, keep: () => signal.removeEventListener('abort', follow) })
}

function makeIframe(content: FrameContent): HTMLIFrameElement {
  const iframe = document.createElement('iframe')
  const isNear = content.how === 'navigate' && isLoopback(new URL(content.base).hostname)
  iframe.title = 'Cellucid: cells of the dataset'
  iframe.referrerPolicy = 'no-referrer'
  iframe.allow = `fullscreen; clipboard-write${isNear ? '; loopback-network; local-network; local-network-access' : ''}`
  if (content.how === 'srcdoc') iframe.setAttribute('sandbox', 'allow-scripts allow-downloads')
  // On the notebook's own origin a sandbox with both would be no wall, and without one the proxy sees no login.
  else if (new URL(content.base).origin !== window.origin) {
    iframe.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-downloads')
  }
  return iframe
}

function show(iframe: HTMLIFrameElement, content: FrameContent, stage: HTMLElement): void {
  if (content.how === 'srcdoc') iframe.srcdoc = content.html
  stage.append(iframe)
  // Never `src`: the token would stand in the DOM, and a moved node would load it again.
  if (content.how === 'navigate') iframe.contentWindow?.location.replace(content.url)
}

type Hearing = { origin: string; viewerId: string; signal: AbortSignal }

/** Only our frame's own window, at the origin that was proven, about our viewer; `load` proves nothing. */
function hearPage(iframe: HTMLIFrameElement, { origin, viewerId, signal }: Hearing): Promise<boolean> {
  const heard = new AbortController()
  return new Promise((resolve) => {
    const listen = (event: MessageEvent<unknown>) => {
      if (!isFrom(event, iframe, origin) || !v.is(pageReadySchema, event.data)) return
      // In the tunnel the page has no address that tells it its viewer.
      if (origin !== 'null' && event.data.viewerId !== viewerId) return
      heard.abort()
      resolve(true)
    }
    window.addEventListener('message', listen, { signal: AbortSignal.any([signal, heard.signal]) })
    signal.addEventListener('abort', () => resolve(false), { signal: heard.signal })
    if (signal.aborted) resolve(false)
  })
}

type Watch = { origin: string; events: PageEvents; signal: AbortSignal }

/** After the page spoke its own `load` is still to come; any further one, or a second greeting, is another document. */
function watchReload(iframe: HTMLIFrameElement, { origin, events, signal }: Watch): void {
  let loads = 0
  iframe.addEventListener(
    'load',
    () => {
      loads++
      if (loads > 1) events.reloaded()
    },
    { signal },
  )
  const listen = (event: MessageEvent<unknown>) => {
    if (isFrom(event, iframe, origin) && v.is(pageReadySchema, event.data)) events.reloaded()
  }
  window.addEventListener('message', listen, { signal })
}

function isFrom(event: MessageEvent<unknown>, iframe: HTMLIFrameElement, origin: string): boolean {
  return event.source !== null && event.source === iframe.contentWindow && event.origin === origin
}
