// @vitest-environment node
import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { type Identity, identityOf, PROBE_TIMEOUT_MS, probe } from '../../../widget/search/probe.ts'
import {
  deadPort,
  type FakeServer,
  fakeServer,
  html,
  IDENTITY,
  json,
  nonceOf,
  ourServer,
  proofOf,
} from '../fake-servers.ts'

const ELSEWHERE = { origin: 'http://localhost:8888', ancestors: '' }
const KEY = /[\w-]{43}/g

const ask = (base: string, standpoint = ELSEWHERE, timeoutMs: number | null = PROBE_TIMEOUT_MS) =>
  probe(base, IDENTITY, { standpoint, signal: new AbortController().signal, timeoutMs })

/** As seen by a page on the same origin as the base: behind the notebook's own proxy. */
const askSameOrigin = (server: FakeServer) => ask(server.base, { origin: new URL(server.base).origin, ancestors: '' })

/** 43 characters are a page key; a mac has as many, and is public. */
function secretsIn({ heard }: FakeServer): string[] {
  const text = heard().replaceAll(/mac=[\w-]{43}/g, 'mac=')
  return [...(text.match(KEY) ?? []), ...(text.includes(IDENTITY.token) ? ['the token'] : [])]
}

let servers: FakeServer[] = []
async function serve(answer: RequestListener): Promise<FakeServer> {
  const server = await fakeServer(answer)
  servers.push(server)
  return server
}
beforeEach(() => {
  servers = []
})
afterEach(() => {
  for (const server of servers) expect(secretsIn(server)).toEqual([])
})

test('a server that proves itself is proven', async () => {
  const server = await serve(ourServer())
  expect(await ask(server.base)).toEqual({ verdict: 'proven', ms: expect.any(Number) })
})

test('the question says who asks, for whom and from where, and its mac is a new one each time', async () => {
  const server = await serve(ourServer())
  const standpoint = { origin: 'https://hub.example.org', ancestors: 'https://a.example https://b.example' }
  await ask(`${server.base}x/`, standpoint)
  await ask(`${server.base}x/`, standpoint)
  const [first, second] = server.urls.map((url) => new URL(url, server.base))
  expect(first?.pathname).toBe('/x/_cellucid/health')
  expect(Object.fromEntries(first?.searchParams ?? [])).toEqual({
    viewerId: IDENTITY.viewerId,
    nonce: expect.stringMatching(/^[\w-]{22}$/),
    base: `${server.base}x/`,
    ...standpoint,
    mac: expect.stringMatching(/^[\w-]{43}$/),
  })
  expect(server.heard()).toContain('GET /x/_cellucid/health')
  expect(first?.searchParams.get('nonce')).not.toBe(second?.searchParams.get('nonce'))
  expect(first?.searchParams.get('mac')).not.toBe(second?.searchParams.get('mac'))
})

describe('what fools others is refused', () => {
  test('F1 a login page behind a redirect, and the second look says so on our own origin', async () => {
    const server = await serve((request, response) => {
      if (request.url?.startsWith('/login')) return html(response)
      response.writeHead(302, { Location: '/login?next=%2F' }).end()
    })
    expect(await ask(server.base)).toMatchObject({ verdict: 'network' })
    expect(await askSameOrigin(server)).toMatchObject({ verdict: 'redirect' })
    expect(server.urls.filter((url) => url.startsWith('/login'))).toEqual([])
  })

  test('F1 a login page behind a redirect that carries a proof', async () => {
    const proving = ourServer()
    const server = await serve((request, response) => {
      if (!request.url?.startsWith('/moved')) {
        response.writeHead(307, { Location: `/moved${request.url}` }).end()
      } else proving(request, response)
    })
    expect(await askSameOrigin(server)).toMatchObject({ verdict: 'redirect' })
  })

  test('F2 a single-page application that answers every path', async () => {
    const server = await serve((_request, response) => html(response))
    expect(await ask(server.base)).toMatchObject({ verdict: 'notJson' })
  })

  test('F2 with a JSON type and no JSON in it', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('<!doctype html>')
    })
    expect(await ask(server.base)).toMatchObject({ verdict: 'notJson' })
  })

  test('F2 with our JSON under another type', async () => {
    const server = await serve((request, response) => {
      const body = { status: 'ok', protocol: PROTOCOL_VERSION, ...proofOf(IDENTITY, nonceOf(request)) }
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(JSON.stringify(body))
    })
    expect(await ask(server.base)).toMatchObject({ verdict: 'notJson' })
  })

  test.each([[{ ok: true }], [{ status: 'ok' }], [[]], ['ok'], [null], [{ status: 'ok', protocol: PROTOCOL_VERSION }]])(
    'F3 another product’s health: %j',
    async (body) => {
      const server = await serve((_request, response) => json(response, 200, body))
      expect((await ask(server.base)).verdict).toMatch(/^(badProof|notJson)$/)
    },
  )

  test('F4 our product with another viewer’s secret', async () => {
    const other = { ...IDENTITY, token: 'ab'.repeat(32) } as Identity
    const server = await serve(ourServer(other))
    expect(await ask(server.base)).toMatchObject({ verdict: 'badProof' })
  })

  test('F4 our product that does not know this host', async () => {
    const server = await serve((_request, response) => json(response, 421, { code: 'misdirected', message: 'No' }))
    expect(await ask(server.base)).toMatchObject({ verdict: 'status', reason: '421' })
  })

  test('F4 our product of another version', async () => {
    const server = await serve((request, response) =>
      json(response, 200, { status: 'ok', protocol: PROTOCOL_VERSION + 1, ...proofOf(IDENTITY, nonceOf(request)) }),
    )
    expect(await ask(server.base)).toMatchObject({ verdict: 'wrongProtocol' })
  })

  test('F7 the same port after a restart of the kernel: another instance, another secret', async () => {
    const server = await serve(ourServer({ ...IDENTITY, instanceId: '0000000000000000' } as Identity))
    expect(await ask(server.base)).toMatchObject({ verdict: 'badProof' })
  })

  test('F8 a proxy that strips the query', async () => {
    const proving = ourServer()
    const server = await serve((request, response) => {
      request.url = request.url?.split('?')[0] ?? '/'
      proving(request, response)
    })
    expect(await ask(server.base)).toMatchObject({ verdict: 'badProof' })
  })

  test('F8 a proxy that strips the path', async () => {
    const server = await serve((_request, response) => json(response, 404, { code: 'not_found', message: 'No' }))
    expect(await ask(server.base)).toMatchObject({ verdict: 'status', reason: '404' })
  })

  test('F9 a captive portal that sends everything elsewhere', async () => {
    const portal = await serve((_request, response) => html(response))
    const server = await serve((_request, response) => {
      response.writeHead(302, { Location: portal.base }).end()
    })
    expect(await askSameOrigin(server)).toMatchObject({ verdict: 'redirect' })
    expect(portal.urls).toEqual([])
  })

  test.each([
    ['says nothing', () => undefined],
    [
      'stops in the middle of its answer',
      (_request: unknown, response: import('node:http').ServerResponse) => {
        response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"status":')
      },
    ],
  ])('F10 a server that %s is left after the time of one probe', async (_name, answer) => {
    const server = await serve(answer)
    expect(await ask(server.base, ELSEWHERE, 200)).toMatchObject({ verdict: 'timeout' })
  })

  test('F13 an old answer out of a cache: right in form, with the proof of another nonce', async () => {
    let cached: object | null = null
    const server = await serve((request, response) => {
      cached ??= { status: 'ok', protocol: PROTOCOL_VERSION, ...proofOf(IDENTITY, nonceOf(request)) }
      json(response, 200, cached)
    })
    expect(await ask(server.base)).toMatchObject({ verdict: 'proven' })
    expect(await ask(server.base)).toMatchObject({ verdict: 'badProof' })
  })

  test.each([500, 502, 504, 599])('a proxy whose server is gone: %i', async (status) => {
    const server = await serve((_request, response) => html(response, status))
    expect(await ask(server.base)).toMatchObject({ verdict: 'status', reason: String(status) })
  })

  test('a port where nothing listens', async () => {
    expect(await ask(`http://127.0.0.1:${await deadPort()}/`)).toMatchObject({ verdict: 'network' })
  })
})

test('an aborted probe ends at once', async () => {
  const server = await serve(() => undefined)
  const stop = new AbortController()
  const asked = probe(server.base, IDENTITY, { standpoint: ELSEWHERE, signal: stop.signal, timeoutMs: null })
  stop.abort()
  expect(await asked).toMatchObject({ verdict: 'timeout' })
})

test('ids that are none are not asked with', () => {
  const { viewerId, token, instanceId } = IDENTITY
  expect(identityOf({ viewerId, viewerToken: token, instanceId })).toEqual(IDENTITY)
  expect(identityOf({ viewerId, viewerToken: 'short', instanceId })).toBeNull()
  expect(identityOf({ viewerId: '../x', viewerToken: token, instanceId })).toBeNull()
  expect(identityOf({ viewerId, viewerToken: token, instanceId: 'a b' })).toBeNull()
})
