import { describe, expect, test } from 'vitest'
import { judgeHealth, makeNonce, type Nonce, probeQuery, type ViewerId } from '../../../protocol/probe.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { appStage, HOST, INSTANCE, VERSION } from '../../stage/app-stage.ts'
import { type Ids, makeIds } from '../../stage/start-server.ts'

const HUB = {
  host: 'hub.example',
  base: 'https://hub.example/user/alice/proxy/8765/',
  origin: 'https://hub.example',
  ancestors: 'https://portal.example',
}

/** A signed question as a widget on the hub asks it. */
function question({ viewerId, viewerToken }: Ids, changes: Partial<typeof HUB & { nonce: Nonce }> = {}) {
  const { host, nonce = makeNonce(), ...where } = { ...HUB, ...changes }
  const claims = { viewerId, nonce, instanceId: INSTANCE, ...where }
  const query = probeQuery(viewerToken, claims)
  return { claims, query, url: `/${ROUTES.health}?${query}`, headers: { host } }
}

async function probeStage() {
  const stage = await appStage()
  const [ours, other] = [stage.open(), stage.open()]
  const ask = ({ url, headers }: { url: string; headers: Record<string, string> }) => stage.app.inject({ url, headers })
  return { ...stage, ours, other, ask }
}

describe('a signed probe', () => {
  test('is answered with a proof that the widget believes', async () => {
    const { ours, ask } = await probeStage()
    const asked = question(ours)
    const answer = await ask(asked)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      status: 'ok',
      protocol: 1,
      version: VERSION,
      instanceId: INSTANCE,
      proof: expect.any(String),
    })
    expect(judgeHealth(answer.json(), ours.viewerToken, asked.claims)).toBe('proven')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('teaches its own viewer host, base, origin and ancestors, and no other viewer anything', async () => {
    const { ours, other, ask, app, key } = await probeStage()
    await ask(question(ours))
    expect(ours.learnt.lessons).toEqual([
      { host: HUB.host, base: HUB.base, origin: HUB.origin, ancestors: [HUB.ancestors] },
    ])
    expect(other.learnt.lessons).toEqual([])
    const identity = (ids: Ids) =>
      app.inject({ url: `/${ROUTES.identity}`, headers: { ...key(ids).headers, host: HUB.host } })
    expect((await identity(ours)).statusCode).toBe(200)
    expect((await identity(other)).statusCode).toBe(421)
    const trade = (ids: Ids) =>
      app.inject({
        method: 'POST',
        url: `/${ROUTES.key}`,
        headers: { host: HUB.host },
        payload: { viewerId: ids.viewerId, viewerToken: ids.viewerToken },
      })
    expect((await trade(ours)).statusCode).toBe(200)
    expect((await trade(other)).statusCode).toBe(421)
  })

  test('tells the kernel that the widget is there', async () => {
    const { ours, ask, said } = await probeStage()
    await ask(question(ours))
    expect(said.filter(({ method }) => method === 'viewer.seen')).toEqual([
      { method: 'viewer.seen', params: { viewerId: ours.viewerId, base: HUB.base }, body: new Uint8Array() },
    ])
  })

  test('may be read by the learnt origin alone', async () => {
    const { ours, ask } = await probeStage()
    const { url, headers } = question(ours)
    const cors = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    const answer = await ask({ url, headers: { ...headers, ...cors, origin: HUB.origin } })
    expect(answer.headers['access-control-allow-origin']).toBe(HUB.origin)
    expect(answer.headers.vary).toBe('Origin')
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    const elsewhere = question(ours)
    const foreign = await ask({ url: elsewhere.url, headers: { ...headers, ...cors, origin: 'https://evil.example' } })
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('counts once: a replay teaches nothing and proves nothing', async () => {
    const { ours, ask } = await probeStage()
    const asked = question(ours)
    await ask(asked)
    expect((await ask({ ...asked, headers: { host: 'evil.example' } })).statusCode).toBe(421)
    const again = await ask({ ...asked, headers: { host: HOST } })
    expect(again.json()).toEqual({ status: 'ok', protocol: 1, version: VERSION })
    expect(ours.learnt.lessons.map(({ host }) => host)).toEqual([HUB.host])
  })

  const changed: [string, (query: URLSearchParams) => void][] = [
    ['another base', (query) => query.set('base', 'https://evil.example/')],
    ['another origin', (query) => query.set('origin', 'https://evil.example')],
    ['another ancestor', (query) => query.set('ancestors', 'https://evil.example')],
    ['another nonce', (query) => query.set('nonce', makeNonce())],
    ['a mac with one character changed', (query) => query.set('mac', withFirstChanged(String(query.get('mac'))))],
    ['a cut mac', (query) => query.set('mac', String(query.get('mac')).slice(0, -1))],
    ['no mac', (query) => query.delete('mac')],
    ['two macs', (query) => query.append('mac', String(query.get('mac')))],
    [
      'the parts moved across a line',
      (query) => {
        query.set('base', `${HUB.base}\n${HUB.origin}`)
        query.set('origin', '')
      },
    ],
  ]
  test.each(changed)('with %s teaches nothing', async (_name, change) => {
    const { ours, ask } = await probeStage()
    const { query, headers } = question(ours)
    change(query)
    const answer = await ask({ url: `/${ROUTES.health}?${query}`, headers })
    expect(answer.statusCode).toBe(421)
    expect(ours.learnt.lessons).toEqual([])
  })

  test('signed for another viewer, or for another server, teaches nothing', async () => {
    const { ours, other, ask, viewers } = await probeStage()
    const mixed = question({ viewerId: ours.viewerId, viewerToken: other.viewerToken })
    expect((await ask(mixed)).statusCode).toBe(421)
    expect((await ask(question(makeIds()))).statusCode).toBe(421)
    const { claims } = question(ours)
    const stale = probeQuery(ours.viewerToken, { ...claims, instanceId: 'another' as never })
    expect((await ask({ url: `/${ROUTES.health}?${stale}`, headers: { host: HUB.host } })).statusCode).toBe(421)
    expect(viewers.all.flatMap(({ learnt }) => learnt.lessons)).toEqual([])
  })

  test('learns only what is written as browsers write it', async () => {
    const { ours, ask } = await probeStage()
    for (const changes of [
      { base: 'https://hub.example' },
      { base: 'https://hub.example/#x' },
      { base: 'https://user@hub.example/' },
      { base: 'javascript:alert(1)' },
      { base: 'https://hub.example/"; script-src *' },
      { origin: 'null' },
      { origin: 'https://hub.example/' },
      { origin: "https://hub.example; script-src 'unsafe-inline'" },
    ]) {
      expect((await ask(question(ours, changes))).statusCode).toBe(200)
    }
    expect(ours.learnt.lessons).toEqual([])
    await ask(question(ours, { ancestors: "https://a.example b; c *  null https://d.example 'self'" }))
    expect(ours.learnt.embedders()).toEqual([HUB.origin, 'https://a.example', 'https://d.example'])
  })

  test('teaches an origin whole: no part of it, no other port, none around it', async () => {
    const { ours, ask } = await probeStage()
    await ask(question(ours, { base: 'https://base.example:9443/p/' }))
    const known = [HUB.origin, 'https://base.example:9443']
    const unknown = [
      'https://hub.exampl',
      'https://hub.example:80',
      'http://hub.example',
      HUB.ancestors,
      'https://base.example',
    ]
    expect([...known, ...unknown].filter((origin) => ours.learnt.knowsOrigin(origin))).toEqual(known)
  })

  test('keeps the sixteen newest lessons', async () => {
    const { ours, ask } = await probeStage()
    for (let i = 0; i < 20; i++) await ask(question(ours, { host: `host-${i}.example` }))
    expect(ours.learnt.lessons.map(({ host }) => host)).toEqual(
      Array.from({ length: 16 }, (_, i) => `host-${i + 4}.example`),
    )
  })

  test('at the page, where no fetch can ask, teaches the same', async () => {
    const { ours, app } = await probeStage()
    const { query, headers } = question(ours)
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
    const answer = await app.inject({ url: `/?jupyter=true&${query}`, headers: { ...headers, ...navigation } })
    expect(answer.statusCode).toBe(200)
    expect(ours.learnt.lessons).toHaveLength(1)
  })
})

describe('health without a signature', () => {
  test('says that it lives, by a known Host only', async () => {
    const { ours, ask } = await probeStage()
    const open = { status: 'ok', protocol: 1, version: VERSION }
    expect((await ask({ url: `/${ROUTES.health}`, headers: { host: HOST } })).json()).toEqual(open)
    const named = { url: `/${ROUTES.health}?viewerId=${ours.viewerId}`, headers: { host: HOST } }
    expect((await ask(named)).json()).toEqual(open)
    expect((await ask({ url: `/${ROUTES.health}`, headers: { host: 'evil.example' } })).statusCode).toBe(421)
    const unknown = { url: `/${ROUTES.health}?viewerId=${'0'.repeat(16) as ViewerId}`, headers: { host: HOST } }
    expect((await ask(unknown)).json()).toEqual(open)
  })
})

function withFirstChanged(mac: string): string {
  return `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`
}
