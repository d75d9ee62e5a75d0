import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** How the site behaves; `broken` ones break at the file that the page cannot do without. */
export type SiteMode =
  | 'healthy'
  | 'gone'
  | 'silent'
  | 'slow'
  | 'reset'
  | 'reset once'
  | 'short'
  | 'endless'
  | 'huge'
  | 'html for a script'
  | 'redirect'
  | 'stall at the end'
  | 'new build meanwhile'

export type HostedSite = {
  url: string
  mode: SiteMode
  /** How long a slow site takes for a file. */
  slowMs: number
  /** What it answers with now. */
  build: string
  /** Every request as it came: path and headers. */
  requests: { path: string; headers: IncomingMessage['headers'] }[]
  close(): Promise<void>
}

const APP = join(import.meta.dirname, 'hosted-app')
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==',
  'base64',
)
const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
  png: 'image/png',
}

/** The stand-in for the hosted viewer's site, on loopback; the stand-in for its viewer lies in hosted-app/. */
export async function hostedSite(build = 'one', mode: SiteMode = 'healthy'): Promise<HostedSite> {
  const sockets = new Set<Socket>()
  const site: HostedSite = { url: '', mode, slowMs: 1_500, build, requests: [], close: () => end(server, sockets) }
  const server = createServer((request, response) => void answer(site, request, response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    if (site.mode === 'gone') socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(() => site.close())
  return site
}

async function end(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

/** The files of a build, by path. */
export function filesOf(build: string): Map<string, Buffer> {
  const text = (name: string) => Buffer.from(readFileSync(join(APP, name), 'utf8').replaceAll('BUILD', build))
  return new Map([
    ['/index.html', text('index.html')],
    [`/assets/app-${build}.js`, text('app.js')],
    [`/assets/paint-${build}.js`, text('paint.js')],
    [`/assets/app-${build}.css`, text('app.css')],
    [`/assets/ground-${build}.png`, PIXEL],
    ['/favicon.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ])
}

async function answer(site: HostedSite, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? ''
  site.requests.push({ path, headers: request.headers })
  const bytes = filesOf(site.build).get(path)
  if (bytes === undefined) {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>')
    return
  }
  const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'text/plain'
  const isScript = path.startsWith('/assets/app-') && path.endsWith('.js')
  if (isScript && spoil(site, response, { bytes, type })) return
  if (site.mode === 'silent') return
  if (site.mode === 'slow') await new Promise((resolve) => setTimeout(resolve, site.slowMs))
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes)
}

/** @returns whether the answer was given, in some broken way */
function spoil(site: HostedSite, response: ServerResponse, { bytes, type }: { bytes: Buffer; type: string }): boolean {
  const whole = { 'content-type': type, 'content-length': bytes.length }
  const half = bytes.subarray(0, bytes.length / 2)
  switch (site.mode) {
    case 'reset once':
      site.mode = 'healthy'
      response.writeHead(200, whole).write(half, () => response.socket?.resetAndDestroy())
      return true
    case 'reset':
      response.writeHead(200, whole).write(half, () => response.socket?.resetAndDestroy())
      return true
    case 'short':
      response.writeHead(200, whole).write(half, () => response.socket?.end())
      return true
    case 'stall at the end':
      response.writeHead(200, whole).write(bytes.subarray(0, -1))
      return true
    case 'endless':
      response.writeHead(200, { 'content-type': type })
      pour(response)
      return true
    case 'huge':
      response.writeHead(200, { 'content-type': type, 'content-length': 26 << 20 }).write(half)
      return true
    case 'html for a script':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in to the library</h1>')
      return true
    case 'redirect':
      response.writeHead(302, { location: 'http://127.0.0.1:9/elsewhere.js' }).end()
      return true
    case 'new build meanwhile':
      site.mode = 'healthy'
      site.build = `${site.build}-next`
      response.writeHead(404, { 'content-type': 'text/html' }).end()
      return true
    default:
      return false
  }
}

/** A body without an end, as fast as it is taken. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(1 << 20, ' ')
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}
