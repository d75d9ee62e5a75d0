import * as v from 'valibot'
import type { CandidateKind } from '../../protocol/comm.ts'
import { pageReadySchema } from '../../protocol/page-link.ts'
import { isLoopback } from '../../protocol/urls.ts'
import { pause } from '../pause.ts'
import { type PageEvents, PageLink } from './page-link.ts'
import { PUT_INTO_PAGE } from './stage.ts'

/**
 * How long a page may take from navigation to its first message. A blocked frame says that it has loaded and never
 * speaks; one that still loads has a slow connection, or a machine with other things to do.
 */
export type Patience = { loadedMs: number; loadingMs: number }
const PATIENCE: Patience = { loadedMs: 5_000, loadingMs: 20_000 }

/** A proven base, or the page itself where no base is. */
export type FrameContent = { how: 'navigate'; base: string; url: string } | { how: 'srcdoc'; html: string }

type OpenOptions = {
  stage: HTMLElement
  viewerId: string
  events: PageEvents
  signal: AbortSignal
  patience?: Patience
}

/**
 * Load the page and wait until it speaks.
 * @returns the link to it, or `null` when nothing came in time: blocked, another page, a login
 */
export async function openFrame(
  content: FrameContent,
  kind: CandidateKind,
  options: OpenOptions,
): Promise<PageLink | null> {
  const { stage, viewerId, events, signal, patience = PATIENCE } = options
  const close = new AbortController()
  const origin = content.how === 'srcdoc' ? 'null' : new URL(content.base).origin
  const iframe = makeIframe(content, origin)
  const follow = () => close.abort()
  signal.addEventListener('abort', follow, { signal: close.signal })
  const hearing = new AbortController()
  const ended = AbortSignal.any([close.signal, hearing.signal])
  const spoke = hearPage(iframe, { origin, viewerId, signal: ended })
  show(iframe, content, stage)
  let page: PageLink | null = null
  watchMoves(iframe, stage, { moved: () => events.moved(page), signal: close.signal })
  const isReady = await Promise.race([spoke, fallSilent(iframe, patience, ended).then(() => false)])
  hearing.abort()
  if (!isReady || signal.aborted) {
    close.abort()
    iframe.remove()
    return null
  }
  const { port1, port2 } = new MessageChannel()
  // An opaque origin cannot be named; its frame was recognised by its window, and the port carries no secret yet.
  iframe.contentWindow?.postMessage({ kind: 'connect', viewerId }, origin === 'null' ? '*' : origin, [port2])
  const base = content.how === 'navigate' ? content.base : null
  const keep = () => signal.removeEventListener('abort', follow)
  page = new PageLink(iframe, port1, { base, kind, events, close, keep })
  watchLoads(page, origin, events.reloaded)
  return page
}

function makeIframe(content: FrameContent, origin: string): HTMLIFrameElement {
  const iframe = document.createElement('iframe')
  const isNear = content.how === 'navigate' && isLoopback(new URL(content.base).hostname)
  iframe.title = 'Cellucid: cells of the dataset'
  iframe.referrerPolicy = 'no-referrer'
  // Named, since a frame without `src` has none that the browser would allow it for; an opaque one has no name.
  const page = origin === 'null' ? '*' : origin
  const near = isNear ? ['loopback-network', 'local-network', 'local-network-access'] : []
  iframe.allow = ['fullscreen', 'clipboard-write', ...near].map((what) => `${what} ${page}`).join('; ')
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

/** Resolves when there is nothing to wait for any more. Outside of the document nothing loads, and silence says nothing. */
async function fallSilent(
  iframe: HTMLIFrameElement,
  { loadedMs, loadingMs }: Patience,
  signal: AbortSignal,
): Promise<void> {
  const loaded = new Promise((resolve) => iframe.addEventListener('load', resolve, { once: true, signal }))
  await Promise.race([Promise.all([loaded, pause(loadedMs, signal)]), pause(loadingMs, signal)])
  if (iframe.isConnected || signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

type Hearing = { origin: string; viewerId: string; signal: AbortSignal }

/** Only our frame's own window, at the origin that was proven, about our viewer; `load` proves nothing. */
function hearPage(iframe: HTMLIFrameElement, { origin, viewerId, signal }: Hearing): Promise<true> {
  return new Promise((resolve) => {
    const listen = (event: MessageEvent<unknown>) => {
      if (!isFrom(event, iframe, origin) || !v.is(pageReadySchema, event.data)) return
      // In the tunnel the page has no address that tells it its viewer.
      if (origin === 'null' || event.data.viewerId === viewerId) resolve(true)
    }
    window.addEventListener('message', listen, { signal })
  })
}

type Moves = { moved: () => void; signal: AbortSignal }

/**
 * Notice that the notebook took the node out of its page and put it back (a folded output, a moved cell, a tab), or puts
 * it there only now: then it has another window, and an empty document in it.
 */
function watchMoves(iframe: HTMLIFrameElement, stage: HTMLElement, { moved, signal }: Moves): void {
  const { contentWindow } = iframe
  const look = () => {
    if (iframe.contentWindow !== contentWindow) moved()
  }
  stage.addEventListener(PUT_INTO_PAGE, look, { signal })
}

/** In the same window a second `load` or a second greeting is another document: once the page spoke, its own `load` is still to come. */
function watchLoads(page: PageLink, origin: string, reloaded: (page: PageLink) => void): void {
  const { iframe, closed } = page
  let loads = 0
  const countLoad = () => {
    loads++
    if (loads > 1) reloaded(page)
  }
  const listen = (event: MessageEvent<unknown>) => {
    if (isFrom(event, iframe, origin) && v.is(pageReadySchema, event.data)) reloaded(page)
  }
  iframe.addEventListener('load', countLoad, { signal: closed })
  window.addEventListener('message', listen, { signal: closed })
}

function isFrom(event: MessageEvent<unknown>, iframe: HTMLIFrameElement, origin: string): boolean {
  return event.source !== null && event.source === iframe.contentWindow && event.origin === origin
}
