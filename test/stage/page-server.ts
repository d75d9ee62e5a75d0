import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { extname } from 'node:path'
import { build } from 'esbuild'

/** A file on disk, or its content. */
export type ServedPage = { file: string } | { content: string; type: string }

export type PageServer = { port: number; stop(): Promise<void> }

/**
 * Serve pages of stand-ins, by path and under any host name.
 * @param pages by path, with the leading slash
 */
export async function servePages(
  pages: Readonly<Record<string, ServedPage>>,
  tls?: { key: string; cert: string },
): Promise<PageServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const page = pages[new URL(request.url ?? '/', 'http://any').pathname]
    if (page === undefined) {
      response.writeHead(404).end()
      return
    }
    const body = 'file' in page ? await readFile(page.file) : page.content
    response.writeHead(200, { 'content-type': 'file' in page ? typeOf(page.file) : page.type }).end(body)
  }
  const listen = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => response.writeHead(500).end())
  }
  const server = tls === undefined ? createServer(listen) : createTlsServer(tls, listen)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the page server has no port')
  return {
    port: address.port,
    async stop() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** One script for a page, with all it imports. */
export async function bundle(entry: string): Promise<ServedPage> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'chrome120',
    loader: { '.css': 'empty' },
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'silent',
  })
  const [script] = outputFiles
  if (script === undefined) throw new Error(`${entry} gave no script`)
  return { content: script.text, type: 'text/javascript' }
}

export function html(head: string, body = ''): ServedPage {
  return { content: `<!doctype html><html><head>${head}</head><body>${body}</body></html>`, type: 'text/html' }
}

function typeOf(file: string): string {
  return extname(file) === '.js' ? 'text/javascript' : 'application/octet-stream'
}
