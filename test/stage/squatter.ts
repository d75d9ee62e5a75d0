import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { encodeFrame } from '../../protocol/frame.ts'

/**
 * Another user's program, which takes a port the moment it is free and answers everything as the viewer's server would, as
 * well as one can who knows no secret. `node squatter.ts PORT`: one JSON line for all that it was told.
 */
export type Overheard =
  | { kind: 'waiting' }
  | { kind: 'bound' }
  | { kind: 'request' | 'upgrade' | 'frame' | 'body'; text: string }

const port = Number(process.argv[2])
const tell = (heard: Overheard) => process.stdout.write(`${JSON.stringify(heard)}\n`)
const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const head = ({ method, url, rawHeaders }: IncomingMessage) => [method, url, ...rawHeaders].join('\n')

const FALSE = { nonce: 'n'.repeat(22), proof: 'p'.repeat(43), instanceId: 'ab'.repeat(8) }
/** What the page does at the word of a server. */
const ORDERS = [
  { kind: 'challenge', protocol: 1, ...FALSE },
  {
    kind: 'welcome',
    protocol: 1,
    instanceId: FALSE.instanceId,
    state: null,
    cellSets: 0,
    savesPictures: true,
  },
  { kind: 'command', seq: 99, command: { kind: 'setColorBy', field: 'stolen', color: { axis: 'obs', key: 'stolen' } } },
  { kind: 'command', seq: 100, command: { kind: 'screenshot', requestId: 'stolen', scale: 1 } },
]

const server = createServer((request, response) => {
  tell({ kind: 'request', text: head(request) })
  request.on('data', (chunk: Buffer) => tell({ kind: 'body', text: latin(chunk) }))
  const isPage = request.url === '/' || request.url?.startsWith('/?') === true
  response.setHeader('content-type', isPage ? 'text/html' : 'application/json')
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
  response.end(isPage ? '<p>Cellucid</p>' : JSON.stringify({ status: 'ok', protocol: 1, version: '1', ...FALSE }))
})
const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', (request, socket, first) => {
  tell({ kind: 'upgrade', text: head(request) })
  sockets.handleUpgrade(request, socket, first, (channel) => {
    channel.on('message', (data: Buffer) => tell({ kind: 'frame', text: latin(data) }))
    for (const order of ORDERS) channel.send(encodeFrame(order))
  })
})

/** Again every millisecond until the port is free. */
function take(host: string): void {
  const listener = createSocketServer((socket: Socket) => server.emit('connection', socket))
  listener.once('error', () => tell({ kind: 'waiting' }))
  listener.on('error', () => setTimeout(() => listener.listen({ port, host, exclusive: true }), 1))
  listener.listen({ port, host, exclusive: true }, () => {
    const { address } = listener.address() as AddressInfo // listens on TCP
    if (address === '127.0.0.1') tell({ kind: 'bound' })
  })
}
for (const host of ['127.0.0.1', '::1']) take(host)
process.stdin.resume().once('end', () => process.exit(0))
