import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

export type Upgrade = { incoming: IncomingMessage; socket: Duplex; head: Buffer }

export type BridgeOptions = {
  /** Port on loopback. */
  target: number
  path: string
  headers: Record<string, string | string[]>
  /** A larger message, either way, ends both connections. */
  maxMessageBytes?: number
  /** true: this message, of either way, does not arrive. */
  loses?(message: Buffer): boolean
}

/** No limit, as ws says it. */
const ANY_BYTES = 0

/** Pass an upgrade on, and all that follows. */
export function bridgeSockets(upgrade: Upgrade, options: BridgeOptions): void {
  // Where nobody looks at messages, bytes pass as they are.
  if (options.maxMessageBytes === undefined && options.loses === undefined) passBytes(upgrade, options)
  else passMessages(upgrade, options)
}

function passBytes({ incoming, socket, head }: Upgrade, { target, path, headers }: BridgeOptions): void {
  const inner = connect(target, '127.0.0.1', () => {
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`))
    inner.write(`${[`${incoming.method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
    inner.write(head)
    socket.pipe(inner).pipe(socket)
  })
  for (const [one, other] of [
    [socket, inner],
    [inner, socket],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}

function passMessages(
  { incoming, socket, head }: Upgrade,
  { target, path, headers, maxMessageBytes: maxPayload = ANY_BYTES, loses = () => false }: BridgeOptions,
): void {
  const protocols = String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const { cookie, origin, host, authorization } = headers
  const kept = Object.fromEntries(Object.entries({ cookie, origin, host, authorization }).filter(([, value]) => value))
  const inner = new WebSocket(`ws://127.0.0.1:${target}${path}`, protocols, { headers: kept as never, maxPayload })
  const refuse = () => socket.destroy()
  inner.once('error', refuse)
  inner.once('open', () => {
    const server = new WebSocketServer({ noServer: true, maxPayload, handleProtocols: () => inner.protocol || false })
    server.handleUpgrade(incoming, socket, head, (outer) => {
      inner.off('error', refuse)
      const pairs = [
        [outer, inner],
        [inner, outer],
      ] as const
      for (const [one, other] of pairs) {
        one.on('message', (data: RawData, isBinary) => {
          // By default ws hands over one Buffer.
          if (!loses(data as Buffer)) other.send(data, { binary: isBinary })
        })
        one.on('error', () => other.terminate())
        one.on('close', () => other.terminate())
      }
    })
  })
}
