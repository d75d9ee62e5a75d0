import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ROUTES } from '../../protocol/urls.ts'
import { bloodDataset } from '../stage/blood-dataset.ts'
import { SocketPage } from '../stage/page-end.ts'
import { probePath, type ServerOptions, STAND_IN_PAGE, startServer, tradeToken } from '../stage/start-server.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const GONE_WITHIN_MS = 3_000
// A process of its own for each, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

async function started(options: ServerOptions = {}) {
  const server = await startServer({ page: STAND_IN_PAGE, ...options })
  onTestFinished(async () => {
    await server.stop()
  })
  return server
}

/** True when nobody listens there any more. */
async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  const outcome = Promise.race([once(probe, 'listening').then(() => true), once(probe, 'error').then(() => false)])
  probe.listen({ port, host: '127.0.0.1', exclusive: true })
  const free = await outcome
  if (free) await new Promise((done) => probe.close(done))
  return free
}

function nameOf(pid = 0): string {
  return `node (process ${pid})`
}

function isAlive(pid: number): boolean {
  // A zombie is gone but for its parent's asking.
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** Ports on which this process listens, by its descriptors; see proc(5). */
function listeningPorts(pid: number): number[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1),
  )
  const own = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
  return own.map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16))
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}

async function expectGone(pid: number, port: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: GONE_WITHIN_MS + 1_000, interval: 50 }).toBe(false)
  expect(await isFree(port)).toBe(true)
}

describe('the end of stdin', () => {
  test('ends the process with status 0, its port free and no file left, also under way', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'cellucid-test-tmp-'))
    onTestFinished(() => rmSync(temporary, { recursive: true }))
    const own = { TMPDIR: process.env.TMPDIR }
    process.env.TMPDIR = temporary
    onTestFinished(() => {
      if (own.TMPDIR === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = own.TMPDIR
    })
    // A dataset that never answers, so that a request and a channel are open at the end.
    const server = await started({ read: () => new Promise(() => undefined) })
    const viewer = await server.openViewer()
    const pageKey = await tradeToken(server.base, viewer)
    const page = new SocketPage({ base: server.base, viewerId: viewer.viewerId, pageKey })
    page.hello()
    await page.hear('welcome')
    const reading = fetch(`${server.base}${ROUTES.identity}`, { headers: { 'X-Cellucid-Key': pageKey } })
    const read = reading.then((answer) => answer.status).catch(() => 'cut')
    const start = performance.now()
    expect(await server.stop()).toBe(0)
    expect(performance.now() - start).toBeLessThan(GONE_WITHIN_MS)
    expect(await page.closed).toBe(1001)
    expect(page.heard.at(-2)).toMatchObject({ kind: 'kernel', status: 'gone' })
    expect(page.heard.at(-1)).toEqual({ kind: 'ended', reason: expect.any(String), body: new Uint8Array() })
    expect([410, 503, 'cut']).toContain(await read)
    await expectGone(server.process.pid ?? 0, server.port)
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('a kernel that is killed', () => {
  /** A kernel that started the server and says which; `fork` makes a child of it that holds the pipe open. */
  const KERNEL = `
    const { spawn } = require('node:child_process')
    const [program, page, fork] = process.argv.slice(1)
    const server = spawn(process.execPath, [program, '--port', '0', '--parent', String(process.pid), '--page', page],
      { stdio: ['pipe', 'pipe', 'ignore'] })
    let heard = ''
    server.stdout.on('data', function listen(bytes) {
      heard += bytes
      const port = /"port":(\\d+)/.exec(heard)?.[1]
      if (port === undefined) return
      server.stdout.off('data', listen)
      const holder = fork === 'fork' ? spawn('sleep', ['30'], { stdio: ['ignore', 'ignore', 'ignore', server.stdin._handle] }) : null
      process.stdout.write(JSON.stringify({ server: server.pid, port: Number(port), holder: holder?.pid ?? null }) + '\\n')
    })`

  async function killedKernel(
    fork: 'fork' | 'alone',
  ): Promise<{ server: number; port: number; holder: number | null }> {
    const args = ['-e', KERNEL, join(ROOT, 'server/main.ts'), STAND_IN_PAGE, fork]
    const kernel: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [bytes] = (await once(kernel.stdout as NodeJS.ReadableStream, 'data')) as [Buffer] // piped above
    const facts = JSON.parse(bytes.toString())
    onTestFinished(() => {
      if (facts.holder !== null && isAlive(facts.holder)) process.kill(facts.holder)
      if (isAlive(facts.server)) process.kill(facts.server, 'SIGKILL')
    })
    kernel.kill('SIGKILL')
    await once(kernel, 'exit')
    return facts
  }

  test('takes its server with it', async () => {
    const { server, port } = await killedKernel('alone')
    await expectGone(server, port)
  })

  test('takes its server with it also while a forked child holds the pipe', async () => {
    const { server, port, holder } = await killedKernel('fork')
    await expectGone(server, port)
    expect(isAlive(Number(holder))).toBe(true)
  })
})

describe('the start', () => {
  test('takes the next free port, or says that a fixed one is taken', async () => {
    const first = await started()
    const next = await started({ args: ['--port', String(first.port)] })
    expect(next.port).toBeGreaterThan(first.port)
    const refused = startServer({ page: STAND_IN_PAGE, args: ['--port', String(first.port), '--fixed'] })
    await expect(refused).rejects.toMatchObject({
      code: 'port_taken',
      message: `Port ${first.port} was asked for, but ${nameOf(first.process.pid)} listens on it. Name another port, or none.`,
    })
  })

  test('listens on loopback alone, in IPv6 too', async () => {
    const { port } = await started()
    const table = readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8')
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const listening = table.split('\n').filter((line) => line.includes(`:${hex} `) && / 0A /.test(line))
    expect(listening.map((line) => line.trim().split(/\s+/)[1])).toEqual([
      `0100007F:${hex}`,
      ...(hasIpv6() ? [`00000000000000000000000001000000:${hex}`] : []),
    ])
  })

  test('with an option that it does not know ends at once and says so', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'server/main.ts'), '--prot', '1'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let words = ''
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk
    })
    const [status] = await once(child, 'exit')
    expect(status).toBe(64)
    expect(words).toContain('--prot')
  })

  test('of a process that then fails in a way nobody expected ends with one line, without secrets, and status 70', async () => {
    const fail = `const timer = setInterval(() => {
      if (process.listenerCount('uncaughtException') === 0) return
      clearInterval(timer)
      throw new Error('boom ${'a'.repeat(64)}')
    }, 20)`
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(fail)}`,
      join(ROOT, 'server/main.ts'),
      '--port',
      '0',
    ]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'] })
    let words = ''
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk
    })
    const [status] = await once(child, 'close')
    expect(status).toBe(70)
    const lines = words
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ message }) => message === 'Unexpected')).toEqual([
      expect.objectContaining({ level: 'error', error: 'Error: boom [removed]' }),
    ])
  })

  test('without a page still serves, and says what is missing', async () => {
    const server = await started({ page: join(tmpdir(), 'no-such-folder') })
    const answer = await fetch(server.base)
    expect([answer.status, (await answer.json()).code]).toEqual([404, 'not_found'])
  })
})

describe('a running server', () => {
  test.runIf(process.platform === 'linux').each(['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const)(
    'goes on after %s, and opens no inspector',
    async (signal) => {
      const server = await started()
      for (let i = 0; i < 3; i++) server.process.kill(signal)
      expect((await fetch(`${server.base}${ROUTES.health}`)).status).toBe(200)
      expect(new Set(listeningPorts(server.process.pid ?? 0))).toEqual(new Set([server.port]))
    },
  )

  test.each(['SIGTERM', 'SIGHUP', 'SIGXCPU'] as const)('ends in good order on %s', async (signal) => {
    const server = await started()
    const ended = once(server.process, 'exit')
    server.process.kill(signal)
    expect(await ended).toEqual([0, null])
    await expectGone(server.process.pid ?? 0, server.port)
  })

  test('goes on after SIGINT, which is meant for the kernel’s cell', async () => {
    const server = await started()
    for (let i = 0; i < 20; i++) server.process.kill('SIGINT')
    expect((await fetch(`${server.base}${ROUTES.health}`)).status).toBe(200)
  })

  test('goes on when a search is given up while the names of genes are on their way', async () => {
    const isAsked = Promise.withResolvers<void>()
    const dataset = bloodDataset(700)
    const server = await started({
      read: (read) => {
        if (read.what !== 'varNames') return dataset(read)
        isAsked.resolve()
        return new Promise<never>(() => undefined)
      },
    })
    const options = { name: 'Blood', color: null, embedding: null, geneSymbols: 'gene_symbols', matrix: null }
    const viewer = await server.openViewer({ options })
    const headers = { 'X-Cellucid-Key': await tradeToken(server.base, viewer) }
    const next = new AbortController()
    const search = fetch(`${server.base}${ROUTES.genes}?query=c`, { headers, signal: next.signal }).catch(String)
    await isAsked.promise
    next.abort()
    expect(await search).toContain('AbortError')
    // It hears that somebody hung up between two of these at the latest.
    for (let i = 0; i < 5; i++) expect((await fetch(`${server.base}${ROUTES.health}`)).status).toBe(200)
    expect(server.process.exitCode).toBeNull()
  })

  test('opens, reads, commands and closes as the kernel says', async () => {
    const server = await started()
    const viewer = await server.openViewer()
    const headers = { 'X-Cellucid-Key': await tradeToken(server.base, viewer) }
    expect((await (await fetch(`${server.base}${ROUTES.identity}`, { headers })).json()).nObs).toBe(700)
    const asked = { viewerId: viewer.viewerId, matrix: null }
    const { result } = await server.kernel.call('viewer.resolveColor', { ...asked, field: 'CD3D' })
    expect(result).toEqual({ color: { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } })
    await expect(server.kernel.call('viewer.resolveColor', { ...asked, field: 'nope' })).rejects.toMatchObject({
      code: 'unknown_column',
    })
    await server.kernel.call('viewer.close', { viewerId: viewer.viewerId, reason: 'Stopped.' })
    expect((await fetch(`${server.base}${ROUTES.identity}`, { headers })).status).toBe(401)
    await expect(server.kernel.call('report', { viewerId: viewer.viewerId })).rejects.toMatchObject({
      code: 'unknown_viewer',
    })
  })

  test('brings a viewer back as the server before it knew it', async () => {
    const server = await started()
    const viewer = await server.openViewer({ state: { dimensions: 3 } })
    const cells = { encoding: 'u32' as const, count: 1, cellCount: 700 }
    const body = Uint8Array.of(7, 0, 0, 0)
    await server.kernel.call('viewer.cellSet', { viewerId: viewer.viewerId, name: 'selection', cells }, body)
    const pageKey = await tradeToken(server.base, viewer)
    const page = new SocketPage({ base: server.base, viewerId: viewer.viewerId, pageKey })
    page.hello()
    expect(await page.hear('welcome')).toMatchObject({ state: { dimensions: 3 }, cellSets: 1 })
    expect((await page.hear('cellSet')).body).toEqual(body)
  })

  test('refuses a dataset that cannot be opened, and the viewer is gone', async () => {
    const server = await started()
    const opened = server.openViewer({ source: { kind: 'path', path: '/no/such/file.h5ad' } })
    await expect(opened).rejects.toMatchObject({ code: 'not_found' })
    const { result } = await server.kernel.call('report', { viewerId: null })
    expect(result).toMatchObject({ viewers: 0, viewer: null })
  })

  test('does not stop on what it cannot read, and answers it', async () => {
    const server = await started()
    await expect(server.kernel.call('no.such.method' as 'report', { viewerId: null })).rejects.toMatchObject({
      code: 'bad_request',
    })
    server.kernel.notify('viewer.close', { viewerId: 'never opened', reason: '' })
    server.kernel.notify('viewer.command', { viewerId: 5 } as never)
    expect((await server.kernel.call('report', { viewerId: null })).result).toMatchObject({ viewers: 0 })
  })

  test('shows no secret in its log, its command line, its environment or its report', async () => {
    const server = await started({ args: ['--log', 'debug'] })
    const viewer = await server.openViewer()
    const pageKey = await tradeToken(server.base, viewer)
    const headers = { 'X-Cellucid-Key': pageKey }
    const origin = 'http://localhost:8888'
    const asked = probePath(viewer, server.instanceId, { base: server.base, origin })
    await fetch(new URL(asked, server.base), { headers })
    await fetch(viewer.url, { headers })
    await fetch(`${server.base}${ROUTES.obsColumn}?key=${viewer.viewerToken}`, { headers })
    await fetch(`${server.base}nothing?viewerToken=${viewer.viewerToken}`, { headers })
    server.kernel.notify('viewer.console', {
      viewerId: viewer.viewerId,
      lines: [{ level: 'error', message: `${pageKey} ${viewer.viewerToken}`, ts: 1, count: 1, from: 'page' }],
    })
    const { result } = await server.kernel.call('report', { viewerId: viewer.viewerId })
    const { pid } = server.process
    const files = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
    await server.stop()
    const everything = [server.log(), JSON.stringify(result), ...files].join('\n')
    expect(server.log()).toContain('/_cellucid/columns/obs')
    for (const secret of [viewer.viewerToken, pageKey, new URL(asked, server.base).searchParams.get('mac') ?? '']) {
      expect(everything).not.toContain(secret)
    }
  })
})

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'))
}
