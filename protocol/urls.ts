import type { Nonce, ViewerId, ViewerToken } from './probe.ts'

/** Every route, relative to the base: a leading slash would leave the prefix that a proxy added. */
export const ROUTES = {
  page: '',
  health: '_cellucid/health',
  info: '_cellucid/info',
  key: '_cellucid/key',
  identity: '_cellucid/identity',
  embedding: '_cellucid/embedding',
  obsColumn: '_cellucid/columns/obs',
  varColumn: '_cellucid/columns/var',
  genes: '_cellucid/genes',
  cellNames: '_cellucid/cell-names',
  channel: '_cellucid/channel',
  events: '_cellucid/events',
  commands: '_cellucid/commands',
  sessionBundle: '_cellucid/session_bundle',
  snapshot: '_cellucid/snapshot',
} as const

/** What is there with the hosted viewer alone; apart, since the embedded page knows nothing of it. */
export const HOSTED_ROUTES = { hosted: '_cellucid/hosted', datasets: '_cellucid/datasets' } as const

/** Below it and a key of their own lie the hosted viewer's files, its dataset and its events. */
export const CAPABILITY_FOLDER = '_cellucid/u'

/** Below it lies what a page may fetch for a short time: a ticket says nothing but that. */
export const TICKET_FOLDER = '_cellucid/t'

/** Of an answer to a ticket: proves who answered. */
export const MARK_HEADER = 'X-Cellucid-Mark'

/** Carries the page key: a name of our own, since cookies are shared between ports and `Authorization` is Jupyter's. */
export const KEY_HEADER = 'X-Cellucid-Key'

/** Where the frame goes: its token in the fragment, which reaches no log, `next=` or Referer. */
export function frameUrl(base: string, viewerId: ViewerId, { token, nonce }: FrameSecret): string {
  return `${base}?jupyter=true&viewerId=${viewerId}#viewerToken=${token}&nonce=${nonce}`
}

/** A token that opens one frame; `nonce` is public and says which. */
export type FrameSecret = { token: ViewerToken; nonce: Nonce }

/** The URL that users are promised, to open in a tab. */
export function viewerUrl(base: string, viewerId: ViewerId, token: ViewerToken): string {
  return `${base}?jupyter=true&viewerId=${viewerId}&viewerToken=${token}`
}

/** The same for a viewer that was started at a terminal: without a notebook, which the page can tell by it. */
export function terminalUrl(base: string, viewerId: ViewerId, token: ViewerToken): string {
  return `${base}?viewerId=${viewerId}&viewerToken=${token}`
}

/** A base ends with a slash and has neither query nor fragment; `null` when the text is no http(s) URL. */
export function parseBase(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  if (url.username !== '' || url.password !== '') return null
  const path = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`
  return `${url.origin}${path}`
}

/**
 * A host name of a browser's address that leads to the browser's own machine. Who may ask a server is another matter, and
 * decided by fewer names: `server/access/authority.ts`.
 */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}
