import { expect, test } from 'vitest'
import { CAPABILITY_FOLDER, HOSTED_ROUTES, ROUTES, TICKET_FOLDER } from '../../../protocol/urls.ts'
import { listen } from '../../../server/process/listen.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { requestRaw, UPGRADE } from '../../stage/raw-http.ts'

/** They differ from run to run. */
const CHANGING = ['date', 'etag', 'content-length', 'connection', 'keep-alive', 'transfer-encoding']

const COLUMN = `${ROUTES.obsColumn}?key=cluster`
const ASKED: readonly (readonly [method: 'GET' | 'POST' | 'PUT' | 'OPTIONS', path: string])[] = [
  ['GET', ROUTES.page],
  ['GET', ROUTES.health],
  ['GET', ROUTES.info],
  ['POST', ROUTES.key],
  ['GET', ROUTES.identity],
  ['GET', `${ROUTES.embedding}?key=X_umap&dim=2`],
  ['GET', COLUMN],
  ['GET', `${ROUTES.varColumn}?in=X&key=CD3D`],
  ['GET', `${ROUTES.genes}?query=CD`],
  ['GET', `${ROUTES.cellNames}?start=0&end=2`],
  ['GET', ROUTES.channel],
  ['POST', ROUTES.events],
  ['PUT', ROUTES.snapshot],
  ['POST', HOSTED_ROUTES.hosted],
  ['GET', `${TICKET_FOLDER}/${'a'.repeat(43)}`],
  ['GET', `${CAPABILITY_FOLDER}/${'a'.repeat(43)}/`],
  ['GET', 'nothing'],
  ['OPTIONS', ROUTES.identity],
]

test('each route answers with these headers and no others', async () => {
  const { app, viewers, open, key } = await appStage()
  const viewer = open()
  const { headers } = key(viewer)
  const found: Record<string, string> = {}
  const note = (what: string, status: number, all: Record<string, unknown>) => {
    const lines = Object.entries(all).filter(([name]) => !CHANGING.includes(name))
    found[`${what} ${status}`] = lines
      .map(([name, value]) => `${name}: ${value}`)
      .sort()
      .join('\n')
  }
  const ask = async (what: string, method: (typeof ASKED)[number][0], path: string, own: Record<string, string>) => {
    const answer = await app.inject({ method, url: `/${path}`, headers: { host: HOST, ...own } })
    note(what, answer.statusCode, answer.headers)
  }
  for (const [method, path] of ASKED) await ask(`${method} /${path}`, method, path, headers)
  const holder = viewers.keys.find(headers['X-Cellucid-Key'] as Parameters<typeof viewers.keys.find>[0]) // just made
  if (holder === null) throw new Error('The key is not known.')
  const ticket = viewers.tickets.issue({ holder }, `/${COLUMN}`)
  await ask('GET a ticket', 'GET', `${TICKET_FOLDER}/${ticket}`, {})
  await ask(`GET /${ROUTES.identity} without a key`, 'GET', ROUTES.identity, {})
  await ask('GET / by an unknown name', 'GET', '', { host: 'evil.example' })
  await ask('GET / of another site', 'GET', '', { 'sec-fetch-site': 'cross-site' })
  const port = await listen(app, 0, false)
  const upgrade = await requestRaw(port, {
    target: `/${ROUTES.identity}`,
    headers: [['Host', '127.0.0.1'], ...UPGRADE],
  })
  note('a refused upgrade', upgrade.status, upgrade.headers)
  for (const [what, text] of Object.entries(found)) {
    found[what] = text.replaceAll(/sha256-[\w+/=]+/g, 'sha256-…').replace(/(x-cellucid-mark: ).*/, '$1…')
  }

  const routes = Object.groupBy(Object.keys(found), (what) => found[what] ?? '')
  expect(Object.entries(routes).map(([text, whats]) => [whats, text.split('\n')])).toMatchInlineSnapshot(`
    [
      [
        [
          "GET / 200",
        ],
        [
          "accept-ranges: bytes",
          "cache-control: no-store",
          "content-security-policy: default-src 'none'; script-src 'sha256-…'; style-src 'sha256-…'; img-src blob: data:; worker-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types cellucid; frame-ancestors 'self' http://localhost:* http://127.0.0.1:*",
          "content-type: text/html; charset=utf-8",
          "cross-origin-embedder-policy: require-corp",
          "cross-origin-opener-policy: same-origin",
          "cross-origin-resource-policy: cross-origin",
          "origin-agent-cluster: ?1",
          "permissions-policy: camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), bluetooth=(), payment=(), display-capture=(), clipboard-read=(), fullscreen=(self), clipboard-write=(self)",
          "referrer-policy: no-referrer",
          "x-content-type-options: nosniff",
          "x-robots-tag: none",
        ],
      ],
      [
        [
          "GET /_cellucid/health 200",
        ],
        [
          "cache-control: no-store",
          "content-security-policy: sandbox; default-src 'none'",
          "content-type: application/json; charset=utf-8",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "vary: Origin",
          "x-content-type-options: nosniff",
          "x-robots-tag: none",
        ],
      ],
      [
        [
          "GET /_cellucid/info 200",
          "POST /_cellucid/key 400",
          "GET /_cellucid/identity 200",
          "GET /_cellucid/genes?query=CD 200",
          "GET /_cellucid/cell-names?start=0&end=2 200",
          "GET /_cellucid/channel 400",
          "POST /_cellucid/events 400",
          "PUT /_cellucid/snapshot 400",
          "POST /_cellucid/hosted 400",
          "GET /_cellucid/t/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 401",
          "GET /_cellucid/u/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/ 401",
          "GET /nothing 404",
          "OPTIONS /_cellucid/identity 405",
          "GET /_cellucid/identity without a key 401",
          "GET / by an unknown name 421",
          "GET / of another site 403",
          "a refused upgrade 401",
        ],
        [
          "cache-control: no-store",
          "content-security-policy: sandbox; default-src 'none'",
          "content-type: application/json; charset=utf-8",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "x-content-type-options: nosniff",
          "x-robots-tag: none",
        ],
      ],
      [
        [
          "GET /_cellucid/embedding?key=X_umap&dim=2 200",
          "GET /_cellucid/columns/obs?key=cluster 200",
          "GET /_cellucid/columns/var?in=X&key=CD3D 200",
        ],
        [
          "accept-ranges: bytes",
          "cache-control: private, no-cache",
          "content-security-policy: sandbox; default-src 'none'",
          "content-type: application/octet-stream",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "vary: X-Cellucid-Key",
          "x-content-type-options: nosniff",
          "x-robots-tag: none",
        ],
      ],
      [
        [
          "GET a ticket 200",
        ],
        [
          "accept-ranges: bytes",
          "cache-control: private, no-cache",
          "content-security-policy: sandbox; default-src 'none'",
          "content-type: application/octet-stream",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "vary: X-Cellucid-Key",
          "x-cellucid-mark: …",
          "x-content-type-options: nosniff",
          "x-robots-tag: none",
        ],
      ],
    ]
  `)
})
