import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ERROR_STATUS } from '../../../protocol/errors.ts'
import { KEY_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { admit } from '../../../server/access/gate.ts'
import { listen } from '../../../server/process/listen.ts'
import { appStage } from '../../stage/app-stage.ts'
import { requestRaw, sendRaw, UPGRADE } from '../../stage/raw-http.ts'

type Header = readonly [string, string]

/** A listening server with one viewer that learnt one host, and the gate's own opinion of a request to it. */
async function twinStage() {
  const stage = await appStage()
  const viewer = stage.open()
  viewer.learnt.learn(
    { name: 'hub.example', port: '' },
    { base: 'https://hub.example/p/', origin: 'https://hub.example', ancestors: '' },
  )
  const port = await listen(stage.app, 0, false)
  const { key } = stage.key(viewer)
  const own = `127.0.0.1:${port}`
  return {
    stage,
    port,
    key,
    own,
    /** 0 where the gate lets it through. */
    expected(target: string, headers: readonly Header[], method = 'GET'): number {
      const verdict = admit({ rawHeaders: headers.flat(), target, method }, stage.viewers.allow)
      return 'refusal' in verdict ? verdict.refusal.status : 0
    },
  }
}

const HOSTS = [
  '{own}',
  'localhost:{port}',
  '[::1]:{port}',
  'hub.example',
  'hub.example:80',
  'evil.example',
  '0.0.0.0:{port}',
  '127.0.0.1.evil',
  '127.0.0.1.',
  'user@127.0.0.1',
  '127.0.0.1:',
  'a b',
  '',
  '[::ffff:127.0.0.1]',
]
const ORIGINS = [
  null,
  'http://{own}',
  'https://hub.example',
  'https://evil.example',
  'null',
  'http://127.0.0.1',
  'https://hub.example.evil',
]
const SITES = [null, 'same-origin', 'same-site', 'none', 'cross-site', 'evil']
const MODES = [null, 'navigate', 'cors', 'no-cors', 'websocket']
const TARGETS = [
  '/',
  `/${ROUTES.channel}`,
  `/${ROUTES.health}`,
  `/${ROUTES.info}`,
  `/${ROUTES.identity}`,
  `/${ROUTES.commands}?after=x`,
  '/nothing',
  '/../x',
  '//x',
  '/%61',
  '/%00',
  '/%zz',
  '/x\\y',
  'http://127.0.0.1/',
  `/${ROUTES.channel}/`,
]

test('every request gets the same verdict from the gate as a request and as an upgrade', async () => {
  const { port, key, own, expected } = await twinStage()
  const fill = (text: string) => text.replace('{own}', own).replace('{port}', String(port))
  const requests = fc.record({
    hosts: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...HOSTS).map((host) => [host]) },
      fc.subarray(HOSTS, { maxLength: 2 }),
    ),
    origin: fc.constantFrom(...ORIGINS),
    site: fc.constantFrom(...SITES),
    mode: fc.constantFrom(...MODES),
    target: fc.constantFrom(...TARGETS),
    key: fc.constantFrom(null, key, 'x'.repeat(43)),
    expectation: fc.constantFrom(null, null, null, '100-continue', '', 'anything'),
  })
  const check = fc.asyncProperty(requests, async ({ hosts, origin, site, mode, target, key: sent, expectation }) => {
    const headers: Header[] = [
      ...hosts.map((host) => ['Host', fill(host)] as const),
      ...optional('Origin', origin === null ? null : fill(origin)),
      ...optional('Sec-Fetch-Site', site),
      ...optional('Sec-Fetch-Mode', mode),
      ...optional(KEY_HEADER, sent),
      ...optional('Expect', expectation),
    ]
    const verdict = expected(target, headers)
    const asRequest = await requestRaw(port, { target, headers })
    const asUpgrade = await requestRaw(port, { target, headers: [...headers, ...UPGRADE] })
    if (verdict !== 0) {
      expect(asRequest.status).toBe(verdict)
      expect(asUpgrade.status).toBe(verdict)
    } else {
      // Let through: then the route answers, and only the channel's takes an upgrade.
      expect(asRequest.status).toBe(target === `/${ROUTES.channel}` ? 400 : routeStatus(target))
      expect(asUpgrade.status).toBe(target === `/${ROUTES.channel}` ? 101 : 400)
    }
  })
  await fc.assert(check, { numRuns: 400, seed: 20_260_101 })
}, 60_000)

function optional(name: string, value: string | null): Header[] {
  return value === null ? [] : [[name, value]]
}

function routeStatus(target: string): number {
  if (target === '/nothing') return 404
  return target.startsWith(`/${ROUTES.commands}`) ? 400 : 200
}

test('what is no HTTP is answered by one constant sentence that reflects nothing', async () => {
  const { port } = await twinStage()
  const marker = 'reflected-marker'
  const broken = [
    `GET /${marker} HTTP/9.9\r\n\r\n`,
    `${marker}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n ${marker}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${marker.repeat(2_000)}\r\n\r\n`,
  ]
  for (const bytes of broken) {
    const answer = await sendRaw(port, bytes)
    expect(answer?.status).toBe(ERROR_STATUS.bad_request)
    expect(answer?.body).not.toContain(marker)
    expect(JSON.parse(answer?.body ?? '')).toEqual({ code: 'bad_request', message: expect.any(String) })
  }
})

test('HTTP/1.0 without a Host is refused by the gate', async () => {
  const { port } = await twinStage()
  expect((await requestRaw(port, { target: '/', headers: [], version: 'HTTP/1.0' })).status).toBe(400)
})

test('a refused Host is counted under its name', async () => {
  const { stage, port } = await twinStage()
  await requestRaw(port, { target: '/', headers: [['Host', 'renamed.example']] })
  await requestRaw(port, { target: `/${ROUTES.channel}`, headers: [['Host', 'renamed.example'], ...UPGRADE] })
  expect((await stage.report.of(null)).refusedHosts).toEqual({ 'renamed.example': 2 })
})
