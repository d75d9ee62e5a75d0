import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type BridgeOptions, bridgeSockets } from './socket-bridge.ts'

/** What a reverse proxy does to those who stand behind it. Without any of these it passes everything on, `Host` too. */
export type Faults = {
  /** Upgrades become plain requests: no WebSocket. */
  stripsUpgrades?: boolean
  /** An answer leaves when it is complete. */
  buffers?: boolean
  /** Connections on which nothing moves for so long are cut. */
  idleMs?: number
  /** A larger WebSocket message ends its connection. */
  maxMessageBytes?: number
  /** true: this WebSocket message, of either way, does not arrive. */
  loses?(message: Buffer): boolean
  /** `Range` does not arrive. */
  dropsRange?: boolean
  /** `Host` as the other side sees it. */
  host?: string
  /** A path that stands before all others outside, with a slash at both ends, and is taken off. */
  prefix?: string
  /** A path that is put before all others on the way in. */
  addsPrefix?: string
  /** A larger answer is replaced by an empty 599. */
  maxBodyBytes?: number
  /** Headers that are set on answers, by their path and what they answer. */
  headers?(path: string, type: string): Record<string, string>
  /** An answer that is given in place of the other side's: a login, an error. An upgrade is refused. */
  instead?(request: IncomingMessage): InsteadAnswer | null
  /** Another port of this computer, and the path there; `null`: where all goes. */
  route?(request: IncomingMessage): { port: number; path: string } | null
  /** The requests that it treats so; all when absent. */
  concerns?(path: string): boolean
}

type InsteadAnswer = { status: number; headers: Record<string, string>; body?: string }

export type FaultProxy = {
  port: number
  /** Requests so far, as `GET /path`; upgrades too. */
  readonly requests: readonly string[]
  /** How many connections it has cut because nothing moved on them. */
  readonly cuts: number
  /** Answers that it replaced because they were too large. */
  readonly refusals: number
  /** May be changed while it runs. */
  faults: Faults
  stop(): Promise<void>
}

export type FaultProxyOptions = {
  /** Key and certificate in PEM: it speaks HTTPS outside. */
  tls?: { key: string; cert: string }
  port?: number
}

/** A reverse proxy in front of one port of this computer, as bad as it is asked to be. */
export async function startFaultProxy(
  target: number,
  faults: Faults = {},
  { tls, port = 0 }: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const server: Server = tls === undefined ? createServer() : createTlsServer(tls)
  const requests: string[] = []
  const open = new Set<Socket>()
  const proxy = { port: 0, requests, cuts: 0, refusals: 0, faults, stop: () => stop(server, open) }
  const faultsOf = ({ url = '/' }: IncomingMessage) => (proxy.faults.concerns?.(url) === false ? {} : proxy.faults)
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    if (proxy.faults.idleMs === undefined) return
    socket.setTimeout(proxy.faults.idleMs, () => {
      proxy.cuts++
      socket.destroy()
    })
  })
  server.on('request', (incoming: IncomingMessage, answer: ServerResponse) => {
    requests.push(`${incoming.method} ${incoming.url}`)
    const tellRefusal = () => proxy.refusals++
    passOn(incoming, answer, { target, faults: faultsOf(incoming), tellRefusal })
  })
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(`UPGRADE ${incoming.url}`)
    socket.on('error', () => socket.destroy())
    const own = faultsOf(incoming)
    const inside = inward(incoming, target, own)
    if (own.stripsUpgrades === true || inside === null || own.instead?.(incoming) != null) {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      return
    }
    const bridge: BridgeOptions = { target: inside.port, path: inside.path, headers: inwardHeaders(incoming, own) }
    if (own.maxMessageBytes !== undefined) bridge.maxMessageBytes = own.maxMessageBytes
    if (own.loses !== undefined) bridge.loses = own.loses
    bridgeSockets({ incoming, socket, head }, bridge)
  })
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  proxy.port = address.port
  return proxy
}

async function stop(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise((done) => server.close(done))
  for (const socket of open) socket.destroy()
  await closed
}

/** Where the request goes; `null` for one that does not lie below the prefix. */
function inward(incoming: IncomingMessage, target: number, { prefix, addsPrefix, route }: Faults) {
  const path = incoming.url ?? '/'
  const routed = route?.(incoming) ?? null
  if (routed !== null) return routed
  if (prefix !== undefined && !path.startsWith(prefix)) return null
  const own = prefix === undefined ? path : `/${path.slice(prefix.length)}`
  return { port: target, path: addsPrefix === undefined ? own : `${addsPrefix}${own.slice(1)}` }
}

function inwardHeaders(incoming: IncomingMessage, { host, dropsRange }: Faults): Record<string, string | string[]> {
  const { range, ...others } = incoming.headers
  const headers = { ...others, ...(range === undefined || dropsRange === true ? {} : { range }) }
  const named = host === undefined ? headers : { ...headers, host }
  // No header is undefined in a request that was received.
  return named as Record<string, string | string[]>
}

function passOn(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { target, faults, tellRefusal }: { target: number; faults: Faults; tellRefusal: () => void },
): void {
  const inside = inward(incoming, target, faults)
  const instead: InsteadAnswer | null = faults.instead?.(incoming) ?? null
  if (instead !== null || inside === null) {
    incoming.resume()
    answer.writeHead(instead?.status ?? 404, instead?.headers ?? {})
    answer.end(instead?.body)
    return
  }
  const { port, path } = inside
  const headers = inwardHeaders(incoming, faults)
  if (faults.stripsUpgrades === true) delete headers.upgrade
  const inner = request({ host: '127.0.0.1', port, method: incoming.method, path, headers }, (reply) => {
    const type = String(reply.headers['content-type'] ?? '')
    const extra = faults.headers?.(path, type) ?? {}
    const isHeld = faults.buffers === true || faults.maxBodyBytes !== undefined
    if (!isHeld) {
      answer.writeHead(reply.statusCode ?? 502, { ...reply.headers, ...extra })
      reply.pipe(answer)
      return
    }
    const chunks: Buffer[] = []
    reply.on('data', (chunk: Buffer) => chunks.push(chunk))
    reply.on('end', () => {
      const body = Buffer.concat(chunks)
      const isTooLarge = body.byteLength > (faults.maxBodyBytes ?? Number.POSITIVE_INFINITY)
      if (isTooLarge) tellRefusal()
      answer.writeHead(isTooLarge ? 599 : (reply.statusCode ?? 502), isTooLarge ? {} : { ...reply.headers, ...extra })
      answer.end(isTooLarge ? undefined : body)
    })
  })
  inner.on('error', () => {
    if (!answer.headersSent) answer.writeHead(502)
    answer.end()
  })
  answer.on('close', () => inner.destroy())
  incoming.pipe(inner)
}
