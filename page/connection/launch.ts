import {
  type Nonce,
  type PageKey,
  parseNonce,
  parsePageKey,
  parseViewerId,
  parseViewerToken,
  type ViewerId,
  type ViewerToken,
} from '../../protocol/probe.ts'

/** What the page's address told it. */
export type Launch = {
  viewerId: ViewerId | null
  /**
   * The secret by which the page proves itself: a link's or a frame's, or, of a tab that is loaded again, the key that the
   * page before it left. `null` in the tunnel and behind a cookie wall.
   */
  token: ViewerToken | PageKey | null
  /** Public: which frame the token is for. */
  frame: Nonce | null
  /** The page runs in a srcdoc frame: no address of its own, every byte comes over the widget's port. */
  isTunnel: boolean
}

type Place = {
  location: Pick<Location, 'href' | 'search' | 'hash'>
  history: Pick<History, 'replaceState' | 'state'>
}

/**
 * Read viewer and token from query or fragment and take both out of the address, before anything else runs: an address
 * ends in histories, bookmarks and screenshots. The viewer's public id stays, so that a reload knows whom to ask for. What
 * the page before left in the tab's own history is taken too.
 */
export function takeLaunch({ location, history }: Place): Launch {
  if (location.href.startsWith('about:')) return { viewerId: null, token: null, frame: null, isTunnel: true }
  const query = new URLSearchParams(location.search)
  const fragment = new URLSearchParams(location.hash.slice(1))
  const viewerId = parseViewerId(query.get('viewerId'))
  const token = parseViewerToken(fragment.get('viewerToken') ?? query.get('viewerToken')) ?? parsePageKey(history.state)
  history.replaceState(null, '', `?jupyter=true&viewerId=${viewerId ?? ''}`)
  return { viewerId, token, frame: parseNonce(fragment.get('nonce')), isTunnel: false }
}

/** In the tunnel no connection of the page's own is ever right: say so to the browser before anything is loaded. */
export function forbidConnections(document: Document): void {
  const policy = document.createElement('meta')
  policy.httpEquiv = 'Content-Security-Policy'
  policy.content = "connect-src 'none'"
  document.head.append(policy)
}
