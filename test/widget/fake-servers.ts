import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { healthText, type InstanceId, type Nonce, sign, type ViewerId, type ViewerToken } from '../../protocol/probe.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import type { Identity } from '../../widget/search/probe.ts'

export const IDENTITY: Identity = {
  viewerId: '0123456789abcdef' as ViewerId,
  token: Array.from({ length: 32 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('') as ViewerToken,
  instanceId: 'feedfacefeedface' as InstanceId,
}

export type FakeServer = {
  port: number
  /** With a trailing slash. */
  base: string
  /** Every byte that any connection brought, as text. */
  heard(): string
  /** The URLs asked for, in order. */
  urls: string[]
}

/** A server on a free loopback port that keeps every byte it is sent; gone with the test. */
export async function fakeServer(answer: RequestListener): Promise<FakeServer> {
  const bytes: Buffer[] = []
  const urls: string[] = []
  const server = createServer((request, response) => {
    // happy-dom asks before every question across origins, where a browser would not.
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }).end()
      return
    }
    urls.push(request.url ?? '')
    answer(request, response)
  })
  // A listener of our own keeps Node's parser from reading the socket behind our back.
  server.on('connection', (socket) => socket.on('data', (chunk: Buffer) => bytes.push(chunk)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo // it listens on TCP
  return { port, base: `http://127.0.0.1:${port}/`, heard: () => Buffer.concat(bytes).toString('latin1'), urls }
}

/** A loopback port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Answers as the viewer's server does, for whoever holds the identity. */
export function ourServer(identity: Identity = IDENTITY): RequestListener {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
    if (!pathname.endsWith('/_cellucid/health'))
      return json(response, 404, { code: 'not_found', message: 'No such route' })
    const nonce = searchParams.get('nonce') as Nonce | null // parsed by nobody here
    const proof = nonce === null ? {} : proofOf(identity, nonce)
    json(response, 200, { status: 'ok', protocol: PROTOCOL_VERSION, version: '0.1.0', ...proof })
  }
}

export function proofOf(
  { token, viewerId, instanceId }: Identity,
  nonce: Nonce,
): { instanceId: string; proof: string } {
  return { instanceId, proof: sign(token, healthText(viewerId, nonce, instanceId)) }
}

export function nonceOf(request: IncomingMessage): Nonce {
  return new URL(request.url ?? '/', 'http://x').searchParams.get('nonce') as Nonce // as sent by the widget
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  send(response, { status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) })
}

export function html(response: ServerResponse, status = 200): void {
  send(response, { status, type: 'text/html', body: '<!doctype html><title>Sign in</title><form></form>' })
}

/** Open to every origin, so that a test of a probe is not a test of CORS. */
function send(response: ServerResponse, { status, type, body }: { status: number; type: string; body: string }): void {
  response.writeHead(status, { 'Content-Type': type, 'Access-Control-Allow-Origin': '*' })
  response.end(body)
}
