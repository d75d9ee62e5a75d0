import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { handshakeKey, nameOf } from '../../protocol/handshake.ts'
import { makeNonce, type PageKey } from '../../protocol/probe.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { FLOODS, type FloodKind } from './flood-kinds.ts'
import { SocketPage } from './page-end.ts'
import { STAND_IN_PAGE, startServer, tradeToken } from './start-server.ts'

export const FLOOD_KINDS = Object.keys(FLOODS) as FloodKind[] // its own keys

/** Nobody, where this is root; else the same user, who floods all the same. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** @param query of its channels, or the viewer whose token it guesses. Resolves when all its connections stood once. */
async function startFlood(kind: FloodKind, port: number, query: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'flooder.ts')
  const child = spawn(process.execPath, [program, String(port), kind, query], {
    ...STRANGER,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null)
  })
  return child
}

export type Suffered = { reads: number; p99: number; worst: number; refused: string[] }

/**
 * What an honest page and newcomers meet while a stranger floods the server: reads on connections of their own, as proxies
 * make them, page loads, and channels that prove themselves.
 */
export async function readDuring(kind: FloodKind, seconds: number): Promise<Suffered> {
  const server = await startServer({ page: STAND_IN_PAGE })
  onTestFinished(async () => void (await server.stop()))
  const viewer = await server.openViewer()
  const [own, pageKey] = [await tradeToken(server.base, viewer), await tradeToken(server.base, viewer)]
  const facts = { base: server.base, viewerId: viewer.viewerId, pageKey }
  const proven = new SocketPage({ ...facts, pageKey: own })
  onTestFinished(() => proven.close())
  proven.hello()
  await proven.hear('welcome')
  const newcomer = await server.openViewer()
  const query = kind === 'idle channels' ? claimQuery(facts) : viewer.viewerId
  const flood = await startFlood(kind, server.port, query)
  const begun = Promise.race([once(flood.stdout ?? flood, 'data'), new Promise((late) => setTimeout(late, 5_000))])

  const times: number[] = []
  const refused: string[] = []
  const timed = async (what: string, ask: () => Promise<unknown>) => {
    const start = performance.now()
    await ask().catch((error) => refused.push(`${what}: ${error}`))
    times.push(performance.now() - start)
  }
  // The flood's beginning counts as well.
  const end = performance.now() + seconds * 1_000
  for (let round = 0; performance.now() < end; round++) {
    // As pages answer the server's pings.
    if (round % 100 === 0) proven.send({ kind: 'pong' })
    await timed('read', () => ask(`${server.base}${ROUTES.identity}`, { [KEY_HEADER]: own }))
    if (round % 10 === 0) await timed('page', () => ask(server.base, {}))
    if (round % 10 === 5) await timed('channel', () => openChannel(facts))
    if (round % 50 === 7) await timed('key', () => tradeToken(server.base, newcomer))
    await new Promise((rest) => setTimeout(rest, 10))
  }
  await begun
  if (proven.socket.readyState !== proven.socket.OPEN) refused.push('the page that was there before was closed')
  times.sort((a, b) => a - b)
  const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN
  return { reads: times.length, p99: Math.round(p99), worst: Math.round(times.at(-1) ?? Number.NaN), refused }
}

/** Of a page whose public name somebody has read: what comes next, nobody but the page can say. */
function claimQuery({ viewerId, pageKey }: { viewerId: string; pageKey: PageKey }): string {
  return String(new URLSearchParams({ viewerId, by: nameOf(handshakeKey(pageKey)), nonce: makeNonce() }))
}

async function openChannel(facts: ConstructorParameters<typeof SocketPage>[0]): Promise<void> {
  const page = new SocketPage(facts)
  page.hello()
  const code = await Promise.race([page.hear('welcome'), page.closed])
  page.close()
  if (typeof code === 'number') throw new Error(`closed with ${code}`)
}

/** On a connection of its own. */
function ask(url: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers, timeout: 10_000 }, (answer) => {
      answer.resume().once('end', () => {
        if (answer.statusCode === 200) resolve()
        else reject(new Error(String(answer.statusCode)))
      })
      answer.once('error', reject)
    })
    request.once('timeout', () => request.destroy(new Error('no answer in 10 s')))
    request.once('error', reject)
  })
}
