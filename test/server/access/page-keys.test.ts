import { describe, expect, test, vi } from 'vitest'
import { parsePageKey } from '../../../protocol/probe.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { LIMITS } from '../../../server/process/limits.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { makeIds } from '../../stage/start-server.ts'

async function keyStage() {
  const stage = await appStage()
  const viewer = stage.open()
  const trade = (payload: unknown, headers: Record<string, string> = {}) =>
    stage.app.inject({
      method: 'POST',
      url: `/${ROUTES.key}`,
      headers: { host: HOST, 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
  const identity = async (key: string) => {
    const answer = await stage.app.inject({
      url: `/${ROUTES.identity}`,
      headers: { host: HOST, 'x-cellucid-key': key },
    })
    return answer.statusCode
  }
  const ids = { viewerId: viewer.viewerId, viewerToken: viewer.viewerToken }
  return { ...stage, viewer, ids, trade, identity }
}

describe('the trade of a token for a page key', () => {
  test('gives a fresh key each time, and each opens the data', async () => {
    const { ids, trade, identity } = await keyStage()
    const keys = [(await trade(ids)).json().pageKey, (await trade(ids)).json().pageKey]
    expect(keys.map(parsePageKey)).toEqual(keys)
    expect(new Set(keys).size).toBe(2)
    expect(await Promise.all(keys.map(identity))).toEqual([200, 200])
  })

  test('takes the key of a page that is loaded again, which ends with that, and no key of another viewer', async () => {
    const { open, ids, trade, identity } = await keyStage()
    const former = (await trade(ids)).json().pageKey
    const again = await trade({ ...ids, viewerToken: former })
    expect(again.statusCode).toBe(200)
    expect(again.json().pageKey).not.toBe(former)
    expect(await Promise.all([former, again.json().pageKey].map(identity))).toEqual([401, 200])
    expect((await trade({ ...ids, viewerToken: former })).json().code).toBe('bad_token')
    const other = open()
    const foreign = await trade({ viewerId: other.viewerId, viewerToken: again.json().pageKey })
    expect([foreign.statusCode, foreign.json().code]).toEqual([401, 'bad_token'])
    expect(await identity(again.json().pageKey)).toBe(200)
  })

  test('takes a one-time token once, and none that is older than a quarter of an hour', async () => {
    const { viewer, ids, trade, identity } = await keyStage()
    const [fresh, old] = ['a'.repeat(64), 'b'.repeat(64)] as const
    viewer.oneTimeTokens.add(fresh)
    viewer.oneTimeTokens.add(old, performance.now() - LIMITS.oneTimeTokenMs)
    const first = await trade({ ...ids, viewerToken: fresh })
    expect(await identity(first.json().pageKey)).toBe(200)
    expect((await trade({ ...ids, viewerToken: fresh })).statusCode).toBe(401)
    expect((await trade({ ...ids, viewerToken: old })).statusCode).toBe(401)
  })

  test('refuses a wrong token and an unknown viewer alike', async () => {
    const { ids, trade } = await keyStage()
    const wrong = await trade({ ...ids, viewerToken: '0'.repeat(64) })
    const unknown = await trade({ ...ids, viewerId: '0'.repeat(16) })
    expect(wrong.statusCode).toBe(401)
    expect(wrong.json()).toEqual({ code: 'bad_token', message: expect.any(String) })
    expect(unknown.json()).toEqual(wrong.json())
    expect(unknown.headers).toEqual({ ...wrong.headers, date: expect.any(String) })
  })

  const ids = makeIds()
  const unreadable: [string, unknown][] = [
    ['no body', ''],
    ['no JSON', '{'],
    ['a list', []],
    ['null', 'null'],
    ['a token that is a number', { ...ids, viewerToken: 5 }],
    ['a token in capitals', { ...ids, viewerToken: 'A'.repeat(64) }],
    ['a token that is too long', { ...ids, viewerToken: 'a'.repeat(65) }],
    ['a list of tokens', { ...ids, viewerToken: [ids.viewerToken] }],
    ['a prototype in the body', '{"__proto__": {"viewerId": "0123456789abcdef"}}'],
  ]
  test.each(unreadable)('refuses %s and reflects nothing of it', async (_name, payload) => {
    const { trade } = await keyStage()
    const answer = await trade(payload)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({ code: 'bad_request', message: expect.any(String) })
    expect(answer.body).not.toContain(ids.viewerToken)
  })

  test('takes a small JSON body and no other', async () => {
    const { ids, trade } = await keyStage()
    expect((await trade({ ...ids, more: 'x'.repeat(5_000) })).statusCode).toBe(413)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/octet-stream',
    ]) {
      expect((await trade(ids, { 'content-type': type })).statusCode, type).toBe(400)
    }
  })

  test('slows down who guesses, and lets the right token in all the same', async () => {
    const { ids, trade, viewers } = await keyStage()
    const delay = vi.spyOn(viewers, 'refusedTokenDelay')
    const wrong = { ...ids, viewerToken: '0'.repeat(64) }
    for (let i = 0; i < 10; i++) await trade(wrong)
    expect(delay.mock.results.map(({ value }) => value)).toEqual(Array(10).fill(0))
    const start = performance.now()
    await trade(wrong)
    expect(performance.now() - start).toBeGreaterThan(900)
    expect((await trade(ids)).statusCode).toBe(200)
    expect(delay, 'nobody waits who knows the token').toHaveBeenCalledTimes(11)
  })
})

describe('page keys', () => {
  test('of one viewer are eight at most: the longest unused one dies', async () => {
    const { ids, trade, identity } = await keyStage()
    const keys: string[] = []
    for (let i = 0; i < 8; i++) keys.push((await trade(ids)).json().pageKey)
    // The first was used a moment ago, so the second is the longest unused.
    await identity(String(keys[0]))
    await trade(ids)
    expect(await Promise.all(keys.map(identity))).toEqual([200, 401, 200, 200, 200, 200, 200, 200])
  })

  test('of one viewer do not push out those of another', async () => {
    const { ids, trade, identity, open, key } = await keyStage()
    const { key: others } = key(open())
    for (let i = 0; i < 20; i++) await trade(ids)
    expect(await identity(others)).toBe(200)
  })

  test('die with their viewer', async () => {
    const { viewer, trade, identity, viewers, ids } = await keyStage()
    const { pageKey } = (await trade(ids)).json()
    await viewers.close(viewer.id, 'stopped')
    expect(await identity(pageKey)).toBe(401)
    expect((await trade(ids)).statusCode).toBe(401)
  })

  test('stand in no report and no log line, and neither do tokens', async () => {
    const { trade, ids, report, viewer, log } = await keyStage()
    const { pageKey } = (await trade(ids)).json()
    const seen = JSON.stringify([await report.of(viewer), log.lines])
    expect(seen).not.toContain(pageKey)
    expect(seen).not.toContain(ids.viewerToken)
  })
})
