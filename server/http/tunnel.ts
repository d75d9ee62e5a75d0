import { ProtocolError } from '../../protocol/errors.ts'
import type { KernelCall } from '../../protocol/pipe.ts'
import { LIMITS } from '../process/limits.ts'
import type { InnerRequests } from './inner-requests.ts'

export type TunnelFetch = Extract<KernelCall, { method: 'tunnel.fetch' }>['params']
export type TunnelAnswer = { status: number; headers: Record<string, string>; body: Uint8Array }

/** All else a browser or a proxy may say is not passed on. */
const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'range',
  'if-range',
  'if-none-match',
  'if-match',
  'content-type',
  'x-cellucid-key',
])
const ANSWER_HEADERS = [
  'content-type',
  'content-range',
  'accept-ranges',
  'etag',
  'retry-after',
  'cache-control',
] as const

/** Requests that came through the notebook's own connection, into the same routes by the same gate. */
export class Tunnel {
  readonly #inner: InnerRequests
  readonly #inFlight = new Map<string, number>()

  constructor(inner: InnerRequests) {
    this.#inner = inner
  }

  /**
   * One request of one view.
   * @param port the server's own: the Host of these requests
   * @throws ProtocolError `bad_request` for a path that is not relative to the base
   */
  async fetch({ view, httpMethod, path, headers }: TunnelFetch, body: Uint8Array, port: number): Promise<TunnelAnswer> {
    if (!isRelativePath(path)) throw new ProtocolError('bad_request', 'A path through the notebook is relative.')
    const count = this.#inFlight.get(view) ?? 0
    if (count >= LIMITS.tunnelRequestsPerView) {
      throw new ProtocolError('overloaded', 'Too many requests of this view are under way.')
    }
    this.#inFlight.set(view, count + 1)
    try {
      const order = innerOrder({ method: httpMethod, path, headers, body }, `127.0.0.1:${port}`)
      const answer = await this.#inner.ask(order, null)
      return { ...answer, headers: answerHeaders(answer.headers) }
    } finally {
      this.#leave(view)
    }
  }

  #leave(view: string): void {
    const count = this.#inFlight.get(view) ?? 0
    if (count <= 1) this.#inFlight.delete(view)
    else this.#inFlight.set(view, count - 1)
  }
}

/** Below the base, whoever reads it: a backslash or two strokes would begin the name of a host. */
const RELATIVE_PATH = /^(?![/\\])[!-[\]-~]*$/

export function isRelativePath(path: string): boolean {
  return RELATIVE_PATH.test(path)
}

type Asked = { method: 'GET' | 'POST' | 'PUT'; path: string; headers: Record<string, string>; body: Uint8Array }

/** What a page may say in a request that does not travel by itself. @param host whose name it came by */
export function innerOrder({ method, path, headers, body }: Asked, host: string) {
  return {
    method,
    url: `/${path}`,
    headers: { ...allowedHeaders(headers), host },
    ...(method === 'GET' ? {} : { payload: Buffer.from(body) }),
  }
}

function allowedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => REQUEST_HEADERS.has(name)),
  )
}

export function answerHeaders(headers: Record<string, unknown>): Record<string, string> {
  const answered = ANSWER_HEADERS.flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [[name, String(value)] as const]
  })
  return Object.fromEntries(answered)
}
