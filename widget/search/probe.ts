import type { Verdict, Welcome } from '../../protocol/comm.ts'
import type { InstanceId, ViewerId, ViewerToken } from '../../protocol/probe.ts'
import {
  judgeHealth,
  makeNonce,
  type ProbeClaims,
  parseInstanceId,
  parseViewerId,
  parseViewerToken,
  probeQuery,
} from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'

/** One probe. A proxy that is going to answer has answered by then; all probes together get `RESOLVE_TIMEOUT_MS`. */
export const PROBE_TIMEOUT_MS = 1_500

/** Whom to look for, and with what secret. */
export type Identity = { viewerId: ViewerId; token: ViewerToken; instanceId: InstanceId }

/** Where the asker stands, as the server must learn it. */
export type Standpoint = { origin: string; ancestors: string }

export type ProbeResult = { verdict: Verdict; reason?: string; ms: number }

/** @returns `null` when the kernel's message holds no such ids */
export function identityOf(welcome: Pick<Welcome, 'viewerId' | 'viewerToken' | 'instanceId'>): Identity | null {
  const viewerId = parseViewerId(welcome.viewerId)
  const token = parseViewerToken(welcome.viewerToken)
  const instanceId = parseInstanceId(welcome.instanceId)
  return viewerId && token && instanceId ? { viewerId, token, instanceId } : null
}

/** A fresh question; its nonce is good for one answer. */
export function askWith(identity: Identity, standpoint: Standpoint, base: string): [ProbeClaims, URLSearchParams] {
  const { viewerId, token, instanceId } = identity
  const claims = { viewerId, instanceId, nonce: makeNonce(), base, ...standpoint }
  return [claims, probeQuery(token, claims)]
}

/**
 * One signed question to one base. Never throws; no secret leaves, only a mac.
 * @param timeoutMs `null` where the browser first asks its user
 */
export async function probe(
  base: string,
  identity: Identity,
  { standpoint, signal, timeoutMs }: { standpoint: Standpoint; signal: AbortSignal; timeoutMs: number | null },
): Promise<ProbeResult> {
  const start = performance.now()
  const stop = timeoutMs === null ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const [claims, query] = askWith(identity, standpoint, base)
  const result = await ask(`${base}${ROUTES.health}?${query}`, stop, (body) =>
    judgeHealth(body, identity.token, claims),
  )
  if (result.verdict === 'network' && new URL(base).origin === standpoint.origin) {
    return { ...(await secondLook(base, stop)), ms: since(start) }
  }
  return { ...result, ms: since(start) }
}

type Outcome = Omit<ProbeResult, 'ms'>

async function ask(url: string, signal: AbortSignal, judge: (body: unknown) => Verdict): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      cache: 'no-store',
      redirect: 'error',
      credentials: 'same-origin',
      referrerPolicy: 'no-referrer',
      signal,
    })
    if (response.status !== 200) return { verdict: 'status', reason: String(response.status) }
    if (!/^application\/json\b/i.test(response.headers.get('content-type') ?? '')) {
      return { verdict: 'notJson', reason: 'a web page answered, not the viewer' }
    }
    return { verdict: judge(parseJson(await response.text())) }
  } catch (error) {
    return failure(error, signal)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // Judged as `notJson`.
  }
}

function failure(error: unknown, signal: AbortSignal): Outcome {
  if (signal.aborted || (error instanceof Error && error.name === 'TimeoutError')) return { verdict: 'timeout' }
  // Refused, forbidden by CORS or by the browser's network permission: the browser does not say which.
  return { verdict: 'network' }
}

/**
 * With redirects forbidden, a login page looks like a dead network. For the verdict's sake ask once more, unsigned, and
 * let the redirect stand.
 */
async function secondLook(base: string, signal: AbortSignal): Promise<Outcome> {
  try {
    const response = await fetch(`${base}${ROUTES.health}`, {
      cache: 'no-store',
      redirect: 'manual',
      credentials: 'same-origin',
      signal,
    })
    return response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)
      ? { verdict: 'redirect', reason: 'the notebook server asks for a login' }
      : { verdict: 'network' }
  } catch (error) {
    return failure(error, signal)
  }
}

function since(start: number): number {
  return Math.round(performance.now() - start)
}
