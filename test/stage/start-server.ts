import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KernelCall, SourceRead } from '../../protocol/pipe.ts'
import {
  type InstanceId,
  makeNonce,
  type PageKey,
  probeQuery,
  type ViewerId,
  type ViewerToken,
} from '../../protocol/probe.ts'
import { ROUTES, viewerUrl } from '../../protocol/urls.ts'
import { KernelEnd } from './kernel-end.ts'
import { type KernelAnswer, smallDataset } from './small-dataset.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BUILT_PAGE = join(ROOT, 'python/cellucid_notebook/_static/page')

export type ServerOptions = {
  /** A folder with `index.html`; the built page where there is one, else a stand-in. */
  page?: string
  /** More of the command line, after `--port 0 --parent <this process>`. */
  args?: readonly string[]
  /** The program; `server/main.ts` unless a bundle is tried. */
  program?: string
  cwd?: string
  /** More of the environment. */
  env?: Record<string, string>
  /** A program that starts it, with its first arguments. */
  within?: readonly string[]
  /** What a dataset in the kernel answers; the small dataset unless given. */
  read?: (read: SourceRead, sourceId: string) => KernelAnswer | Promise<KernelAnswer>
}

type OpenParams = Extract<KernelCall, { method: 'viewer.open' }>['params']
export type Ids = { viewerId: ViewerId; viewerToken: ViewerToken }
export type OpenedViewer = Ids & {
  /** Opens the page in a tab. */
  url: string
}

/** A server process as a kernel starts one. Stop it in the test that started it. */
export type StartedServer = {
  process: ChildProcess
  kernel: KernelEnd
  port: number
  instanceId: InstanceId
  /** `http://127.0.0.1:PORT/` */
  base: string
  /** What it logged, whole. */
  log(): string
  /** Over a dataset in the kernel, unless `source` names a path. */
  openViewer(params?: Partial<OpenParams>): Promise<OpenedViewer>
  /** End its stdin and wait for its end. @returns its exit status */
  stop(): Promise<number | null>
}

export async function startServer(options: ServerOptions = {}): Promise<StartedServer> {
  const page = options.page ?? (existsSync(BUILT_PAGE) ? BUILT_PAGE : STAND_IN_PAGE)
  const program = options.program ?? join(ROOT, 'server/main.ts')
  const args = [program, '--port', '0', '--parent', String(process.pid), '--page', page, ...(options.args ?? [])]
  const [first = '', ...rest] = [...(options.within ?? []), process.execPath, ...args]
  const child = spawn(first, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const ended = once(child, 'exit')
  const kernel = new KernelEnd(child.stdout, child.stdin, options.read ?? smallDataset())
  const ready = await Promise.race([
    kernel.hear('server.ready'),
    kernel.hear('server.failed').then(({ params }) => Promise.reject(Object.assign(new Error(params.message), params))),
    ended.then(() => Promise.reject(new Error(`The server ended while it started:\n${log}`))),
  ])
  const { port, instanceId } = ready.params
  const base = `http://127.0.0.1:${port}/`
  return {
    process: child,
    kernel,
    port,
    instanceId: instanceId as InstanceId, // as the server made it
    base,
    log: () => log,
    async openViewer(params = {}) {
      const ids = makeIds()
      await kernel.call('viewer.open', { ...ids, ...kernelSource(), ...params })
      return { ...ids, url: viewerUrl(base, ids.viewerId, ids.viewerToken) }
    },
    async stop() {
      child.stdin.end()
      const [status] = (await ended) as [number | null] // the arguments of 'exit'
      return status
    },
  }
}

export function makeIds(): Ids {
  return {
    viewerId: randomBytes(8).toString('hex') as ViewerId, // 8 bytes are 16 hex characters
    viewerToken: randomBytes(32).toString('hex') as ViewerToken, // 32 bytes are 64
  }
}

/** The rest of `viewer.open` for a dataset in the kernel. */
export function kernelSource(): Omit<OpenParams, 'viewerId' | 'viewerToken'> {
  return {
    source: { kind: 'kernel', sourceId: 'small' },
    options: { name: 'small', color: null, embedding: null, geneSymbols: null, matrix: null },
    savesPictures: true,
    state: null,
  }
}

/** What a widget asks a base: signed, with a fresh nonce. `where` is what the browser would see. */
export function probePath(
  { viewerId, viewerToken }: Ids,
  instanceId: InstanceId,
  where: { base: string; origin: string; ancestors?: string },
): string {
  const claims = { viewerId, nonce: makeNonce(), instanceId, ancestors: '', ...where }
  return `/${ROUTES.health}?${probeQuery(viewerToken, claims)}`
}

/** Trade a viewer's token for a page key, as each page does when it loads. */
export async function tradeToken(base: string, { viewerId, viewerToken }: Ids): Promise<PageKey> {
  const answer = await fetch(`${base}${ROUTES.key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ viewerId, viewerToken }),
  })
  if (!answer.ok) throw new Error(`No key: ${answer.status} ${await answer.text()}`)
  const { pageKey } = (await answer.json()) as { pageKey: PageKey } // the answer of our own server
  return pageKey
}

/** A page that draws nothing, where only the server is looked at. */
export const STAND_IN_PAGE = join(import.meta.dirname, 'stand-in-page')
export const STAND_IN_HTML = readFileSync(join(STAND_IN_PAGE, 'index.html'), 'utf8')

// `node test/stage/start-server.ts` serves the small dataset until its stdin ends: for pages under development.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = await startServer()
  const { url } = await server.openViewer()
  process.stdout.write(`${JSON.stringify({ base: server.base, url })}\n`)
  process.stdin.resume().once('end', () => void server.stop())
}
