import type { PageKey } from '../../protocol/probe.ts'
import { isLoopback, KEY_HEADER } from '../../protocol/urls.ts'
import type { HostLink } from './host-link.ts'

/** One request, its path relative to the base. */
export type Call = {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  headers: Readonly<Record<string, string>>
  body?: Uint8Array | null
  signal: AbortSignal
}

/** `status` 0: a redirect that was not followed, so a login page. Header names are lower case. */
export type Answer = { status: number; headers: ReadonlyMap<string, string>; body: Uint8Array }

/** The page's clients do not know which of the two carries them. */
export interface Transport {
  readonly kind: 'http' | 'tunnel'
  /** Ask for large bodies in parts of this many bytes; `null`: whole. */
  readonly partBytes: number | null
  /** How many parts of one body to ask for at once. */
  readonly parallelParts: number
  /** Bytes cost more than the time to compress them. */
  readonly wantsGzip: boolean
  /** @throws ServerFailure `network` when nobody answers, the signal's reason when it aborts */
  call(call: Call): Promise<Answer>
}

/** Behind a proxy: small enough for those that hold a whole answer in memory, large enough to cost few round trips. */
const PROXY_PART_BYTES = 8 << 20

/** From about 100 Mbit/s on, compressing takes longer than it saves. */
const FAST_BYTES_PER_MS = 10_000
/** Less than this may come in one piece however slow the way is. */
const TELLING_BYTES = 50_000

/** How something came to the browser: bytes and milliseconds. */
type Arrival = Pick<PerformanceResourceTiming, 'transferSize' | 'responseStart' | 'responseEnd'>

/** A server at the root of this machine: nothing lies between. */
export function isNearby({ hostname, pathname }: Pick<Location, 'hostname' | 'pathname'>): boolean {
  // A proxy on localhost is often an ssh tunnel's end, so only a server at the root of loopback is surely near.
  return isLoopback(hostname) && pathname === '/'
}

/**
 * Requests to the page's own server by its proven line.
 * @param arrivals of what came that way so far: the page itself, then positions and columns. A busy machine makes any of
 * them late and none early, so the fastest one tells how fast the way is
 */
export function httpTransport(
  location: Pick<Location, 'hostname' | 'pathname'>,
  line: Pick<Transport, 'call'>,
  arrivals: () => readonly Arrival[] = knownArrivals,
): Transport {
  const isNear = isNearby(location)
  return {
    kind: 'http',
    partBytes: isNear ? null : PROXY_PART_BYTES,
    parallelParts: 2,
    get wantsGzip() {
      return !isNear && !arrivals().some(cameFast)
    },
    call: (call) => line.call(call),
  }
}

function cameFast({ transferSize, responseStart, responseEnd }: Arrival): boolean {
  return transferSize > Math.max(TELLING_BYTES, FAST_BYTES_PER_MS * (responseEnd - responseStart))
}

function knownArrivals(): readonly Arrival[] {
  const kinds = ['navigation', 'resource']
  return kinds.flatMap((kind) => performance.getEntriesByType(kind) as PerformanceResourceTiming[]) // of this type
}

/** Requests that travel page → widget → kernel → server. Six parts at once leave room for the channel's own requests. */
export function tunnelTransport(host: HostLink, partBytes: number, pageKey: PageKey): Transport {
  return {
    kind: 'tunnel',
    partBytes,
    parallelParts: 6,
    wantsGzip: true,
    call: (call) => host.ask({ ...call, headers: { ...call.headers, [KEY_HEADER]: pageKey } }),
  }
}
