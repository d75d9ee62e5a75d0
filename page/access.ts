import { type PageKey, parseViewerId, type ViewerId } from '../protocol/probe.ts'
import { ROUTES } from '../protocol/urls.ts'
import { ServerFailure } from './failure.ts'
import type { HostLink } from './host-link.ts'
import type { Launch } from './launch.ts'
import { tradeToken } from './server-client.ts'
import { httpTransport, type Transport, tunnelTransport } from './transport.ts'

/** What a page needs to speak to its server. */
export type Access = {
  viewerId: ViewerId
  pageKey: PageKey
  transport: Transport
  /** Nobody has used this viewer yet: there is no saved state to wait for. */
  isNew: boolean
  /** `null`: no WebSocket from here. */
  socketUrl: string | null
}

/**
 * Trade the token, or the key of this tab's page before, for the page's key, or take the key from the widget where there
 * is neither.
 * @throws ServerFailure when there is none, or the server refuses
 */
export async function openAccess(launch: Launch, host: Promise<HostLink | null>, signal: AbortSignal): Promise<Access> {
  const { token, viewerId } = launch
  if (launch.isTunnel) return openTunnel(await host)
  if (viewerId === null) throw new ServerFailure('keyDied', NO_VIEWER)
  const transport = httpTransport(location)
  const socket = new URL(ROUTES.channel, document.baseURI)
  socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:'
  const { pageKey, isNew } =
    token === null
      ? { pageKey: await keyFrom(await host), isNew: false }
      : await tradeToken(transport, viewerId, token, signal)
  // For this tab's next load. Written later, Chromium has read already what a reload finds (pagehide), or gives up going
  // back (beforeunload). A copy of the tab takes the key over, and this one says so.
  if (parent === window) history.replaceState(pageKey, '')
  return { viewerId, pageKey, isNew, transport, socketUrl: socket.href }
}

async function openTunnel(host: HostLink | null): Promise<Access> {
  const viewerId = parseViewerId(host?.viewerId)
  if (host === null || viewerId === null) throw new ServerFailure('keyDied', NO_VIEWER)
  const transport = tunnelTransport(host, host.start.partBytes)
  return { viewerId, pageKey: await host.pageKey, isNew: false, transport, socketUrl: null }
}

function keyFrom(host: HostLink | null): Promise<PageKey> {
  if (host === null) throw new ServerFailure('keyDied', NO_VIEWER)
  return host.pageKey
}

const NO_VIEWER = 'This address keeps no secret. Open viewer.viewer_url from the notebook, or the link in the terminal.'
