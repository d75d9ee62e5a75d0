import { connect } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { encodeCells } from '../../../protocol/cells.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { EventLoopWatch } from '../../../server/process/event-loop-lag.ts'
import { listen } from '../../../server/process/listen.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { SocketPage } from '../../stage/page-end.ts'
import { requestRaw, sendRaw } from '../../stage/raw-http.ts'

async function listening() {
  const stage = await appStage()
  const port = await listen(stage.app, 0, false)
  return { ...stage, port, base: `http://127.0.0.1:${port}/` }
}

describe('slow and large requests', () => {
  test('headers past 16 KiB and lines past 100 are refused', async () => {
    const { port } = await listening()
    const host = ['Host', '127.0.0.1'] as const
    const many = Array.from({ length: 120 }, (_, i) => [`X-${i}`, '1'] as const)
    expect((await requestRaw(port, { target: '/', headers: [host, ...many] })).status).toBe(400)
    const large = ['Cookie', 'x'.repeat(17_000)] as const
    expect((await requestRaw(port, { target: '/', headers: [host, large] })).status).toBe(400)
    const allowed = ['Cookie', 'x'.repeat(15_000)] as const
    expect((await requestRaw(port, { target: '/', headers: [host, allowed] })).status).toBe(200)
  })

  test('headers that do not end are cut off, and a connection on which nothing is asked, without an answer to take', async () => {
    const { port } = await listening()
    const headers = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: '
    expect(await Promise.all([sendSlowly(port, headers), silentlyHeard(port)])).toEqual(['', ''])
  })

  test('a body past its route’s limit is refused before it is read', async () => {
    const { open, key, app } = await appStage()
    const { headers } = key(open())
    const put = (bytes: Buffer) =>
      app.inject({
        method: 'PUT',
        url: `/${ROUTES.snapshot}`,
        headers: { ...headers, 'content-type': 'image/png' },
        payload: bytes,
      })
    const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(499_992)])
    expect((await put(png)).statusCode).toBe(200)
    expect((await put(Buffer.concat([png, Buffer.alloc(1)]))).statusCode).toBe(413)
    expect((await put(Buffer.from('<svg>'))).statusCode).toBe(400)
  })

  test('a picture reaches the kernel under the name of the question it answers', async () => {
    const { open, key, app, said } = await appStage()
    const viewer = open()
    const headers = { ...key(viewer).headers, 'content-type': 'image/png' }
    const payload = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1])
    await app.inject({ method: 'PUT', url: `/${ROUTES.snapshot}?requestId=r-1`, headers, payload })
    await app.inject({ method: 'PUT', url: `/${ROUTES.snapshot}`, headers, payload })
    expect(said.map(({ method, params, body }) => ({ method, params, bytes: body.byteLength }))).toEqual([
      { method: 'viewer.snapshot', params: { viewerId: viewer.id, requestId: 'r-1' }, bytes: 9 },
      { method: 'viewer.snapshot', params: { viewerId: viewer.id, requestId: null }, bytes: 9 },
    ])
  })
})

/** Send a few bytes, then one more each half second, until the server has enough. */
function sendSlowly(port: number, start: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let heard = ''
    const drip = setInterval(() => socket.write('x'), 500)
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearInterval(drip)
      resolve(heard)
    })
    socket.write(start)
  })
}

/** Open a connection as browsers do ahead, and hear what comes until it is closed. */
function silentlyHeard(port: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
    })
    socket.once('close', () => resolve(heard))
  })
}

describe('a server with too much to do', () => {
  test('answers data reads 503 and all else as ever, until it keeps up again', async () => {
    const { app, open, key } = await appStage()
    const { headers } = key(open())
    const column = () => app.inject({ url: `/${ROUTES.obsColumn}?key=cluster`, headers })
    const late = vi.spyOn(EventLoopWatch.prototype, 'isOverloaded', 'get').mockReturnValue(true)
    onTestFinished(() => late.mockRestore())
    const refused = await column()
    expect([refused.statusCode, refused.headers['retry-after'], refused.json().code]).toEqual([503, '1', 'overloaded'])
    expect((await app.inject({ url: `/${ROUTES.health}`, headers: { host: HOST } })).statusCode).toBe(200)
    late.mockReturnValue(false)
    expect((await column()).statusCode).toBe(200)
  })

  test('is one whose timer comes late again and again, not one that stalled once', () => {
    const watch = new EventLoopWatch()
    onTestFinished(() => watch.stop())
    let now = performance.now()
    const overloadedAfter = (ms: number) => {
      now += ms
      watch.tick(now)
      return watch.isOverloaded
    }
    expect([
      overloadedAfter(250),
      overloadedAfter(5_000),
      overloadedAfter(250),
      overloadedAfter(1_300),
      overloadedAfter(1_300),
      overloadedAfter(250),
    ]).toEqual([false, false, false, false, true, false])
  })
})

describe('a kernel that does not read', () => {
  /** A viewer whose kernel takes nothing until `release`. */
  async function stuckStage() {
    const stage = await listening()
    const viewer = stage.open()
    const { promise, resolve: release } = Promise.withResolvers<void>()
    let count = 0
    vi.spyOn(viewer, 'notify').mockImplementation((_message, body) => {
      count++
      void viewer.backlog.track(body?.byteLength ?? 0, promise)
    })
    const page = new SocketPage({ base: stage.base, viewerId: viewer.id, pageKey: stage.key(viewer).key })
    onTestFinished(() => page.close())
    page.hello()
    await page.hear('welcome')
    return { ...stage, viewer, page, release, count: () => count }
  }

  test('stops its pages from being read, and loses no selection', async () => {
    const { page, viewer, release, count } = await stuckStage()
    const { head, body } = encodeCells(Uint32Array.of(1), 700)
    const SENT = 3_000
    for (let i = 0; i < SENT; i++) {
      page.send({ kind: 'event', id: `e${i}`, event: { kind: 'selection', cells: head, source: 'lasso' } }, body)
    }
    await expect.poll(() => viewer.backlog.isFull).toBe(true)
    const stalled = count()
    expect(stalled).toBeLessThan(SENT)
    release()
    // One message said how many pages there are.
    await expect.poll(count).toBe(SENT + 1)
  })
})

test('idle and unproven connections take none from an honest page', async () => {
  const { port, open, key, base } = await listening()
  const idle = Array.from({ length: 100 }, () => connect({ port, host: '127.0.0.1' }))
  onTestFinished(() => {
    for (const socket of idle) socket.destroy()
  })
  const viewer = open()
  const answer = await fetch(`${base}${ROUTES.identity}`, { headers: { 'X-Cellucid-Key': key(viewer).key } })
  expect(answer.status).toBe(200)
  expect(await sendRaw(port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatchObject({
    status: 200,
  })
})
