import { open, realpath, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export type StaticFiles = {
  url: string
  /** `METHOD path range` of all that was asked. */
  asked: string[]
  stop: () => Promise<void>
}

/** A plain web server for a folder, as object stores are: files, ranges, no lists. */
export async function serveFiles(folder: string, { ranges = true } = {}): Promise<StaticFiles> {
  const root = await realpath(folder)
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    asked.push(`${request.method} ${pathname} ${request.headers.range ?? ''}`.trim())
    void answer(request, response, join(root, decodeURIComponent(pathname)), ranges)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${port}`, asked, stop }
}

async function answer(
  { method, headers, url }: IncomingMessage,
  response: ServerResponse,
  path: string,
  ranges: boolean,
): Promise<void> {
  if (url?.startsWith('/moved')) {
    response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end()
    return
  }
  const info = await stat(path).catch(() => null)
  if (info === null || !info.isFile()) {
    response.writeHead(404).end('no such key')
    return
  }
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? []
  const isPart = ranges && first !== undefined
  const start = !isPart ? 0 : first === '' ? Math.max(0, info.size - Number(last)) : Number(first)
  const end = !isPart || first === '' || last === '' ? info.size : Math.min(info.size, Number(last) + 1)
  const file = await open(path)
  const bytes = Buffer.alloc(end - start)
  await file.read(bytes, 0, bytes.length, start)
  await file.close()
  response.writeHead(isPart ? 206 : 200, {
    'content-length': bytes.length,
    'last-modified': info.mtime.toUTCString(),
    etag: `"${info.mtimeMs}-${info.size}"`,
  })
  response.end(method === 'HEAD' ? undefined : bytes)
}
