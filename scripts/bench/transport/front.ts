import { type ClientRequest, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What happens to a request: on to the notebook server, a 404 as without a proxy, or no answer at all. */
export type Way = 'pass' | 'absent' | 'hang'

export type Front = { port: number; stop(): Promise<void> }

/**
 * A reverse proxy before a notebook server on loopback, which keeps `Host`, as proxies must for Jupyter.
 * @param wayOf judges a request by its host (with port) and its path
 */
export async function startFront(upstreamPort: number, wayOf: (host: string, path: string) => Way): Promise<Front> {
  const server = createServer((asked, answer) => {
    const way = wayOf(asked.headers.host ?? '', asked.url ?? '/')
    if (way === 'hang') return // Accepted and never answered, until the browser gives up.
    if (way === 'absent') {
      answer.writeHead(404, { 'Content-Type': 'text/html' }).end('<!doctype html><title>404</title>')
      return
    }
    const forwarded = forward(asked, upstreamPort)
    forwarded.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    forwarded.on('error', () => answer.destroy())
    answer.on('close', () => forwarded.destroy())
    asked.pipe(forwarded)
  })
  server.on('upgrade', (asked: IncomingMessage, socket: Socket, head: Buffer) => {
    const forwarded = forward(asked, upstreamPort)
    forwarded.on('upgrade', (response, upstream: Socket, first: Buffer) =>
      join(response, socket, { upstream, head, first }),
    )
    forwarded.on('response', () => socket.destroy())
    forwarded.on('error', () => socket.destroy())
    forwarded.end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const { port } = server.address() as AddressInfo // it listens on TCP
  const stop = () =>
    new Promise<void>((closed) => {
      server.close(() => closed())
      for (const socket of open) socket.destroy()
    })
  return { port, stop }
}

function forward({ method, url, headers }: IncomingMessage, port: number): ClientRequest {
  return request({ host: '127.0.0.1', port, method, path: url, headers })
}

function join(
  { headers, statusCode, statusMessage }: IncomingMessage,
  socket: Socket,
  { upstream, head, first }: { upstream: Socket; head: Buffer; first: Buffer },
): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('')}\r\n`)
  socket.write(first)
  upstream.write(head)
  for (const end of [socket, upstream]) end.setNoDelay(true)
  socket.pipe(upstream).pipe(socket)
  socket.on('error', () => upstream.destroy())
  upstream.on('error', () => socket.destroy())
}
