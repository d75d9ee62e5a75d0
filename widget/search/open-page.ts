import type { CandidateKind } from '../../protocol/comm.ts'
import { parseErrorBody } from '../../protocol/errors.ts'
import { frameToken } from '../../protocol/handshake.ts'
import { judgeHealth, makeNonce, parsePageKey } from '../../protocol/probe.ts'
import { frameUrl, ROUTES } from '../../protocol/urls.ts'
import { readTheme } from '../cell/theme.ts'
import { openFrame } from '../frame/frame.ts'
import { servePage } from '../frame/page-fetches.ts'
import type { PageEvents, PageLink } from '../frame/page-link.ts'
import type { KernelLink } from '../kernel/kernel-link.ts'
import { Tunnel, type TunnelAnswer } from '../kernel/tunnel.ts'
import { askWith, type Identity, PROBE_TIMEOUT_MS, type Standpoint } from './probe.ts'

/** What it takes to open a page in one view. */
export type OpenContext = {
  stage: HTMLElement
  link: KernelLink
  view: string
  identity: Identity
  standpoint: Standpoint
  events: PageEvents
  /** The search it belongs to; a page that has drawn is kept beyond it. */
  signal: AbortSignal
  /** The tunnel waits for the running cell, or flows again. */
  tellStalled: (isStalled: boolean) => void
}

/** Mostly it is a login page that forbids frames, and it stands between the user and the tunnel. */
const WALLED_PATIENCE = { loadedMs: 2_000, loadingMs: 5_000 }

/** Load the page from a proven base; it gets a token of its own in the fragment. */
export async function openProven(base: string, kind: CandidateKind, context: OpenContext): Promise<PageLink | null> {
  const { viewerId, token, instanceId } = context.identity
  // Good once, and for this server process: whatever answers at this address later has no use for it.
  const nonce = makeNonce()
  const secret = { token: frameToken(token, { viewerId, instanceId, nonce }), nonce }
  const page = await openFrame({ how: 'navigate', base, url: frameUrl(base, viewerId, secret) }, kind, options(context))
  if (page !== null) start(page, { pageKey: null, context })
  return page
}

/**
 * Where a login cookie keeps our own question out, let the page ask: it is loaded without the token, relays a signed
 * question to its own server, and gets a key (never the token) once the answer proves the base.
 */
export async function openThroughPage(
  base: string,
  kind: CandidateKind,
  context: OpenContext,
): Promise<PageLink | null> {
  const { identity, standpoint, signal } = context
  const [, query] = askWith(identity, standpoint, base)
  const content = { how: 'navigate', base, url: `${base}?jupyter=true&${query}` } as const
  const page = await openFrame(content, kind, { ...options(context), patience: WALLED_PATIENCE })
  if (page === null) return null
  start(page, { pageKey: null, context })
  const [claims, question] = askWith(identity, standpoint, base)
  const answer = await page.probe(question.toString(), AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]))
  if (answer?.status !== 200 || judgeHealth(answer.body, identity.token, claims) !== 'proven') {
    page.close()
    return null
  }
  const tunnel = makeTunnel(context)
  try {
    page.send({ kind: 'key', pageKey: await fetchKey(tunnel, identity, signal) })
    return page
  } catch {
    page.close() // Without the kernel there is no key; the next candidate needs none, or says so.
    return null
  } finally {
    tunnel.close()
  }
}

/**
 * Fetch the page over the comm and carry all it asks for.
 * @returns `null` when the page stays silent: the notebook lets no frame of ours run
 * @throws Error with a sentence for the user when kernel or server refuse
 */
export async function openTunnel(context: OpenContext): Promise<PageLink | null> {
  const { identity, signal } = context
  const tunnel = makeTunnel(context)
  try {
    const [html, pageKey] = await Promise.all([fetchPage(tunnel, signal), fetchKey(tunnel, identity, signal)])
    const page = await openFrame({ how: 'srcdoc', html }, 'tunnel', options(context))
    if (page === null) {
      tunnel.close()
      return null
    }
    page.closed.addEventListener('abort', () => tunnel.close())
    page.onFetch = servePage(tunnel, (message, transfer) => page.send(message, transfer))
    start(page, { pageKey, context })
    return page
  } catch (error) {
    tunnel.close()
    throw error
  }
}

function options({ stage, identity, events, signal }: OpenContext) {
  return { stage, viewerId: identity.viewerId, events, signal }
}

function start(page: PageLink, { pageKey, context }: { pageKey: string | null; context: OpenContext }): void {
  page.send({
    kind: 'start',
    transport: page.kind,
    pageKey,
    theme: readTheme(),
    partBytes: context.link.partBytes,
    user: context.link.document.user,
  })
}

function makeTunnel({ link, view, tellStalled }: OpenContext): Tunnel {
  return new Tunnel(link, { view, partBytes: () => link.partBytes, tellStalled })
}

async function fetchPage(tunnel: Tunnel, signal: AbortSignal): Promise<string> {
  const answer = await tunnel.fetch({ method: 'GET', path: ROUTES.page, headers: {}, body: null }, signal)
  if (answer.status !== 200) throw refusal(answer)
  return new TextDecoder().decode(answer.body)
}

/** The widget trades the token, so that a frame of opaque origin never holds it. */
async function fetchKey(tunnel: Tunnel, { viewerId, token }: Identity, signal: AbortSignal): Promise<string> {
  const body = new TextEncoder().encode(JSON.stringify({ viewerId, viewerToken: token }))
  const headers = { 'Content-Type': 'application/json' }
  const answer = await tunnel.fetch({ method: 'POST', path: ROUTES.key, headers, body }, signal)
  const key = answer.status === 200 ? parsePageKey(json(answer)?.pageKey) : null
  if (key === null) throw refusal(answer)
  return key
}

function json({ body }: TunnelAnswer): { pageKey?: unknown } | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'object' ? value : null
  } catch {
    return null // Not ours; the caller says so.
  }
}

function refusal(answer: TunnelAnswer): Error {
  return new Error(parseErrorBody(json(answer))?.message ?? `The kernel answered with status ${answer.status}`)
}
