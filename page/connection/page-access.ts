import { delay } from '../../protocol/delay.ts'
import { type PageKey, parseViewerId, type ViewerId } from '../../protocol/probe.ts'
import { Connection, type PageSecret } from './connection.ts'
import type { HostLink } from './host-link.ts'
import type { Launch } from './launch.ts'
import { Line, type Permit } from './line.ts'
import { ServerFailure } from './server-failure.ts'
import { httpTransport, isNearby, type Transport, tunnelTransport } from './transport.ts'

/** What a page needs to speak to its server. */
export type Access = {
  viewerId: ViewerId
  transport: Transport
  /** `null`: through the notebook, where the channel is posts and polls. */
  line: Line | null
}

export type AccessOptions = {
  host: Promise<HostLink | null>
  /** A tab: resolves when the user wants to try once more. */
  wantsAgain: Permit
  signal: AbortSignal
}

/** A tab tries once by itself, when a short break is over. */
const TAB_TRIES_AFTER_MS = 1_000

/**
 * Prove this page and its server to each other by the token of its address, the key of this tab's page before, or the key
 * that the widget got where there is neither.
 * @throws ServerFailure when there is none, or the server refuses
 */
export async function openAccess(launch: Launch, options: AccessOptions): Promise<Access> {
  const { viewerId } = launch
  const { host, wantsAgain, signal } = options
  if (launch.isTunnel) return openTunnel(await host)
  if (viewerId === null) throw new ServerFailure('keyDied', NO_VIEWER)
  const secret = await secretOf(launch, host)
  const place = { base: document.baseURI, viewerId, isDirect: isNearby(location) }
  const first = await Connection.open(place, secret, signal)
  if (first === null) throw new ServerFailure('network', NO_SOCKET)
  // For this tab's next load. Written later, Chromium has read already what a reload finds (pagehide), or gives up going
  // back (beforeunload). A copy of the tab takes the key over, and this one says so.
  const isTab = parent === window
  if (isTab) history.replaceState(first.pageKey, '')
  const open = () => Connection.open(place, { secret: first.pageKey, frame: null, isFresh: false }, signal)
  const line = new Line(
    first,
    open,
    isTab ? tabPermit(wantsAgain) : async (stop) => (await host)?.mayComeBack(first.instanceId, stop),
  )
  return { viewerId, transport: httpTransport(location, line), line }
}

function openTunnel(host: HostLink | null): Promise<Access> {
  const viewerId = parseViewerId(host?.viewerId)
  if (host === null || viewerId === null) throw new ServerFailure('keyDied', NO_VIEWER)
  return host.pageKey.then((key) => ({
    viewerId,
    transport: tunnelTransport(host, host.start.partBytes, key),
    line: null,
  }))
}

async function secretOf({ token, frame }: Launch, host: Promise<HostLink | null>): Promise<PageSecret> {
  const secret = token ?? (await keyFrom(await host))
  return { secret, frame, isFresh: true }
}

function keyFrom(host: HostLink | null): Promise<PageKey> {
  if (host === null) throw new ServerFailure('keyDied', NO_VIEWER)
  return host.pageKey
}

/** Nobody can tell a tab that its server is gone: it asks once, and then whoever sits before it decides. */
function tabPermit(wantsAgain: Permit): Permit {
  let lastTryAt = Number.NEGATIVE_INFINITY
  return async (signal) => {
    const isFirst = performance.now() - lastTryAt > 60_000
    if (isFirst) await delay(TAB_TRIES_AFTER_MS, signal)
    else await wantsAgain(signal)
    lastTryAt = performance.now()
  }
}

const NO_VIEWER = 'This address keeps no secret. Open viewer.viewer_url from the notebook, or the link in the terminal.'
const NO_SOCKET =
  'The viewer cannot reach its server: nothing answers, or a proxy on the way lets no WebSocket through. Show the viewer ' +
  'in the notebook, which needs none.'
