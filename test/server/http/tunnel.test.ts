import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeEmbedding } from '../../../protocol/column-frame.ts'
import { encodeFrame, joinFrames, splitFrames } from '../../../protocol/frame.ts'
import { KEY_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { Tunnel, type TunnelFetch } from '../../../server/http/tunnel.ts'
import { appStage } from '../../stage/app-stage.ts'
import { STAND_IN_HTML } from '../../stage/start-server.ts'

const PART = 1 << 20
const CELLS = 400_000

async function tunnelStage() {
  const stage = await appStage()
  const viewer = stage.open(undefined, CELLS)
  const tunnel = new Tunnel(stage.app.inner)
  const ask = (path: string, request: Partial<TunnelFetch> & { body?: Uint8Array } = {}) => {
    const { body = new Uint8Array(), ...changes } = request
    const asked = { viewerId: viewer.id, view: 'view-1', httpMethod: 'GET' as const, path, headers: {}, ...changes }
    return tunnel.fetch(asked, body, 8765)
  }
  const json = async (answer: Promise<{ body: Uint8Array }>) =>
    JSON.parse(new TextDecoder().decode((await answer).body))
  const trade = async () => {
    const { viewerId, viewerToken } = viewer
    const body = new TextEncoder().encode(JSON.stringify({ viewerId, viewerToken }))
    const headers = { 'Content-Type': 'application/json' }
    return (await json(ask(ROUTES.key, { httpMethod: 'POST', headers, body }))).pageKey as string
  }
  return { ...stage, viewer, ask, json, trade }
}

describe('through the notebook', () => {
  test('the page comes as the same bytes as over HTTP', async () => {
    const { ask } = await tunnelStage()
    const answer = await ask('')
    expect(answer.status).toBe(200)
    expect(new TextDecoder().decode(answer.body)).toBe(STAND_IN_HTML)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  })

  test('data needs a key here too', async () => {
    const { ask, json } = await tunnelStage()
    expect((await ask(ROUTES.identity)).status).toBe(401)
    expect(await json(ask(ROUTES.identity))).toMatchObject({ code: 'no_key' })
    expect((await ask(ROUTES.identity, { headers: { [KEY_HEADER]: 'x'.repeat(43) } })).status).toBe(401)
  })

  test('parts of a body are views on what the server holds: nothing of them is copied', async () => {
    const { ask, trade } = await tunnelStage()
    const own = { [KEY_HEADER]: await trade() }
    const [first, second] = await Promise.all(
      // Past the frame's head, which lies in memory of its own.
      [100_000, PART].map((start) =>
        ask(ROUTES.embedding, { headers: { ...own, Range: `bytes=${start}-${start + 99_999}` } }),
      ),
    )
    expect([first?.body.byteLength, second?.body.byteLength]).toEqual([100_000, 100_000])
    expect(first?.body.buffer === second?.body.buffer).toBe(true)
  })

  test('a large body comes in parts that join to the whole', async () => {
    const { ask, trade } = await tunnelStage()
    const own = { [KEY_HEADER]: await trade() }
    const first = await ask(ROUTES.embedding, { headers: { ...own, Range: `bytes=0-${PART - 1}` } })
    expect(first.status).toBe(206)
    const total = Number(first.headers['content-range']?.split('/')[1])
    const parts = [first.body]
    for (let start = PART; start < total; start += PART) {
      const headers = { ...own, Range: `bytes=${start}-${start + PART - 1}`, 'If-Range': String(first.headers.etag) }
      const part = await ask(ROUTES.embedding, { headers })
      expect(part.status).toBe(206)
      parts.push(part.body)
    }
    expect(decodeEmbedding(Buffer.concat(parts), CELLS).positions).toHaveLength(CELLS * 2)
  })

  test('a body that is larger than one reply is refused, and says so', async () => {
    const { ask, trade, json } = await tunnelStage()
    const answer = ask(ROUTES.embedding, { headers: { [KEY_HEADER]: await trade() } })
    expect((await answer).status).toBe(413)
    expect(await json(answer)).toMatchObject({ code: 'too_large' })
  })

  test('the channel is posts and polls', async () => {
    const { ask, trade, viewer } = await tunnelStage()
    const pageKey = await trade()
    const headers = { [KEY_HEADER]: pageKey, 'content-type': 'application/octet-stream' }
    const hello = { kind: 'hello', protocol: 1 }
    const body = joinFrames([encodeFrame(hello)])
    expect((await ask(`${ROUTES.events}?sequence=1`, { httpMethod: 'POST', headers, body })).status).toBe(200)
    const polled = await ask(`${ROUTES.commands}?after=0`, { headers })
    expect(splitFrames(polled.body)).toHaveLength(2)
    const waiting = ask(`${ROUTES.commands}?after=1`, { headers })
    await viewer.addCommand(1, { kind: 'freeze' }, new Uint8Array())
    expect(splitFrames((await waiting).body)).toHaveLength(2)
  })

  test('only the headers that the page needs go in, and only those come out', async () => {
    const { ask, trade } = await tunnelStage()
    const headers = {
      [KEY_HEADER]: await trade(),
      Host: 'evil.example',
      Origin: 'https://evil.example',
      'Sec-Fetch-Site': 'cross-site',
      Cookie: 'a=b',
      'X-Forwarded-Host': 'evil.example',
    }
    const answer = await ask(ROUTES.identity, { headers })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.headers).sort()).toEqual(['cache-control', 'content-type'])
  })

  test.each(['/_cellucid/identity', '//evil', '/', 'x\\y'])('%j is not relative to the base', async (path) => {
    const { ask } = await tunnelStage()
    await expect(ask(path)).rejects.toMatchObject({ code: 'bad_request' })
  })

  test.each(['../x', '_cellucid/../x', '%2e%2e/x', 'http://evil.example/', '_cellucid//identity'])(
    '%j leads nowhere',
    async (path) => {
      const { ask } = await tunnelStage()
      expect((await ask(path)).status).toBeGreaterThanOrEqual(400)
    },
  )

  test('a view has a bounded number of requests under way; another view has its own', async () => {
    const { ask } = await tunnelStage()
    const asked = Array.from({ length: 40 }, () => ask(ROUTES.health, { view: 'greedy' }))
    const other = ask(ROUTES.health, { view: 'modest' })
    const outcomes = await Promise.allSettled(asked)
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(24)
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded' } })
    expect((await other).status).toBe(200)
    expect((await ask(ROUTES.health, { view: 'greedy' })).status).toBe(200)
  })

  test('answers 200 requests asked at once, none mixed up', async () => {
    const { ask, trade, json } = await tunnelStage()
    const headers = { [KEY_HEADER]: await trade() }
    const names = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        json(ask(`${ROUTES.cellNames}?start=${i}&end=${i + 1}`, { view: `v${i % 20}`, headers })),
      ),
    )
    expect(names).toEqual(Array.from({ length: 200 }, (_, i) => [`cell-${i}`]))
  })

  test('bytes are the same whatever way they came', async () => {
    const { ask, trade, app, key, viewer } = await tunnelStage()
    const path = `${ROUTES.varColumn}?in=X&key=CD3D&gzip=1`
    const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    const direct = await app.inject({ url: `/${path}`, headers: key(viewer).headers })
    expect(sum((await ask(path, { headers: { [KEY_HEADER]: await trade() } })).body)).toBe(sum(direct.rawPayload))
  })
})
