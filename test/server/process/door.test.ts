import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ROUTES } from '../../../protocol/urls.ts'
import { removeLeftovers } from '../../../server/process/door.ts'
import { UPGRADE } from '../../stage/raw-http.ts'
import { probePath, STAND_IN_PAGE, type StartedServer, startServer, tradeToken } from '../../stage/start-server.ts'

const NOBODY = 65_534
const NAMES = { first: `cellucid-${'a'.repeat(32)}`, other: `cellucid-${'b'.repeat(32)}` }

function runtimeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'run-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function started(door: string): Promise<StartedServer & { hasDoor: boolean }> {
  const server = await startServer({ page: STAND_IN_PAGE, args: ['--door', door] })
  onTestFinished(async () => void (await server.stop()))
  const ready = server.kernel.heard.find(({ method }) => method === 'server.ready')
  return { ...server, hasDoor: ready?.method === 'server.ready' && ready.params.hasDoor }
}

type Asked = { status: number; body: string }

function ask(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, headers: { host: 'hub.example.org', ...headers } }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => (body += text))
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    sent.once('error', reject).end()
  })
}

/** The status line that an upgrade gets. */
async function upgrade(socketPath: string, path: string, host: string): Promise<string> {
  const socket = connect(socketPath)
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...UPGRADE.map(([name, value]) => `${name}: ${value}`)]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer] // the argument of 'data'
  socket.destroy()
  return chunk.toString('latin1').split('\r\n')[0] ?? ''
}

describe.skipIf(process.platform === 'win32')('the socket file', () => {
  test('answers as the port does: the same gate for requests and upgrades, the same proof', async () => {
    const folder = join(runtimeFolder(), NAMES.first)
    const server = await started(folder)
    expect(server.hasDoor).toBe(true)
    const file = join(folder, 's')
    const ids = await server.openViewer()
    const channel = `/${ROUTES.channel}?viewerId=${ids.viewerId}`
    expect(await ask(file, '/')).toMatchObject({ status: 421 })
    expect(await upgrade(file, channel, 'hub.example.org')).toContain('421')
    const where = { base: 'http://hub.example.org/cellucid/x/', origin: 'http://hub.example.org' }
    const proven = await ask(file, probePath(ids, server.instanceId, where))
    expect(JSON.parse(proven.body)).toMatchObject({ proof: expect.any(String) })
    const ofViewer = `/${ROUTES.identity}?viewerId=${ids.viewerId}`
    expect(await ask(file, ofViewer)).toMatchObject({ status: 401 })
    const key = await tradeToken(server.base, ids)
    expect(await ask(file, ofViewer, { 'x-cellucid-key': key })).toMatchObject({ status: 200 })
    expect(await upgrade(file, channel, 'hub.example.org')).toContain('101')
  })

  test('is this user’s alone, and gone when the server has ended', async () => {
    const folder = join(runtimeFolder(), NAMES.first)
    const server = await started(folder)
    expect(lstatSync(folder).mode & 0o777).toBe(0o700)
    expect(lstatSync(join(folder, 's')).mode & 0o777).toBe(0o600)
    await server.stop()
    expect(existsSync(folder)).toBe(false)
  })

  test('stands again in the same place after a server that was killed', async () => {
    const folder = join(runtimeFolder(), NAMES.first)
    const killed = await started(folder)
    killed.process.kill('SIGKILL')
    await once(killed.process, 'exit')
    expect(existsSync(join(folder, 's'))).toBe(true)
    const next = await started(folder)
    expect(next.hasDoor).toBe(true)
    expect(await ask(join(folder, 's'), '/', { host: '127.0.0.1' })).toMatchObject({ status: 200 })
  })

  const unsafe: [name: string, make: (folder: string) => void][] = [
    ['open to others', (folder) => mkdirSync(folder, { mode: 0o755 })],
    ['a link', (folder) => symlinkSync(tmpdir(), folder)],
    ...(process.getuid?.() === 0
      ? [
          [
            'another user’s',
            (folder: string) => {
              mkdirSync(folder, { mode: 0o700 })
              chownSync(folder, NOBODY, NOBODY)
            },
          ] as [string, (folder: string) => void],
        ]
      : []),
  ]
  test.each(unsafe)('is not made in a folder that is %s', async (_name, make) => {
    const folder = join(runtimeFolder(), NAMES.first)
    make(folder)
    const server = await started(folder)
    expect(server.hasDoor).toBe(false)
    expect(existsSync(join(folder, 's'))).toBe(false)
    expect((await fetch(server.base)).status).toBe(200)
  })

  test('is left out where its path is too long for a socket, and not before', async () => {
    const longest = process.platform === 'darwin' ? 103 : 107
    const folder = join(runtimeFolder(), 'x'.repeat(longest))
    const fitting = folder.slice(0, longest - '/s'.length)
    expect((await started(folder.slice(0, fitting.length + 1))).hasDoor).toBe(false)
    expect((await started(fitting)).hasDoor).toBe(true)
    expect(existsSync(join(fitting, 's'))).toBe(true)
  })

  test('of servers that are gone is removed, and nobody else’s', async () => {
    const runtime = runtimeFolder()
    const gone = join(runtime, NAMES.other)
    const killed = await started(gone)
    killed.process.kill('SIGKILL')
    await once(killed.process, 'exit')
    const living = join(runtime, `cellucid-${'c'.repeat(32)}`)
    mkdirSync(living, { mode: 0o700 })
    const listener = createServer().listen(join(living, 's'))
    await once(listener, 'listening')
    onTestFinished(async () => void listener.close())
    const young = join(runtime, `cellucid-${'d'.repeat(32)}`)
    mkdirSync(young, { mode: 0o700 })
    const foreign = join(runtime, `cellucid-${'e'.repeat(32)}`)
    mkdirSync(foreign, { mode: 0o700 })
    chmodSync(foreign, 0o755)
    const elsewhere = join(runtime, `cellucid-${'f'.repeat(32)}`)
    mkdirSync(elsewhere, { mode: 0o700 })
    writeFileSync(join(elsewhere, 'host'), 'another-machine')
    const longAgo = Date.now() / 1000 - 3_600
    for (const old of [gone, living, foreign, elsewhere]) utimesSync(old, longAgo, longAgo)
    await started(join(runtime, NAMES.first))
    await expect.poll(() => existsSync(gone)).toBe(false)
    await removeLeftovers(runtime)
    expect([living, young, foreign, elsewhere].map(existsSync)).toEqual([true, true, true, true])
  })
})
