import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { PageKey, ViewerId } from '../../../protocol/probe.ts'
import { HOSTED_ROUTES, KEY_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { authorityText } from '../../../server/access/authority.ts'
import { type Allow, admit } from '../../../server/access/gate.ts'

const VIEWER = '0123456789abcdef' as ViewerId // 16 hex characters
const OTHER = 'fedcba9876543210' as ViewerId
const KEY = 'k'.repeat(43) as PageKey // 43 base64url characters
const CAPABILITY = 'c'.repeat(43)
const TICKET = 't'.repeat(43)
const OTHER_KEY = 'o'.repeat(43) as PageKey
const LEARNT_HOST = 'hub.example:8443'
const LEARNT_ORIGIN = 'https://hub.example:8443'
const MAC = 'valid'

/** One viewer that learnt one host and one origin, and another that learnt nothing. */
const allow: Allow = {
  viewerOfCapability: (key) => (key === CAPABILITY ? VIEWER : null),
  holderOf: (key) => {
    const viewerId = key === KEY ? VIEWER : key === OTHER_KEY ? OTHER : null
    return viewerId === null ? null : { id: 'its id', viewerId, key: new Uint8Array(32), name: '' }
  },
  holderOfTicket: (ticket) => (ticket === TICKET ? (allow.holderOf(KEY) ?? null) : null),
  knowsHost: (host, viewer) => viewer !== OTHER && authorityText(host) === LEARNT_HOST,
  knowsOrigin: (origin, viewer) => viewer !== OTHER && origin === LEARNT_ORIGIN,
  isServed: () => false,
  answersTo: () => true,
  isSigned: (probe) => probe.mac === MAC,
}
const LOCAL = ['Host', '127.0.0.1:8765'] as const
const WITH_KEY = [KEY_HEADER, KEY] as const
type Header = readonly [string, string]

function verdictOf(target: string, headers: readonly Header[], method = 'GET'): string {
  const verdict = admit({ rawHeaders: headers.flat(), target, method }, allow)
  return 'refusal' in verdict ? verdict.refusal.code : verdict.admission.class
}

const probe = (mac = MAC) =>
  `viewerId=${VIEWER}&nonce=${'A'.repeat(22)}&base=http%3A%2F%2Fevil%2F&origin=http%3A%2F%2Fevil&ancestors=&mac=${mac}`

describe('the Host header', () => {
  const rows: [name: string, hosts: string[], expected: 'open' | ErrorCode][] = [
    ['a loopback address with any port', ['127.0.0.1:1'], 'open'],
    ['a loopback address without a port', ['127.0.0.1'], 'open'],
    ['localhost', ['localhost:8765'], 'open'],
    ['localhost in capitals, which names are free to be', ['LOCALHOST:8765'], 'open'],
    ['the IPv6 loopback', ['[::1]:8765'], 'open'],
    ['a learnt name with its port', [LEARNT_HOST], 'open'],
    ['a learnt name with another port', ['hub.example:8444'], 'misdirected'],
    ['a learnt name without its port', ['hub.example'], 'misdirected'],
    ['a name under the learnt one', ['evil.hub.example:8443'], 'misdirected'],
    ['a name that begins like the learnt one', ['hub.example.evil:8443'], 'misdirected'],
    ['a foreign name', ['evil.example'], 'misdirected'],
    ['a name that begins with localhost', ['localhost.evil'], 'misdirected'],
    ['a name that ends with localhost', ['evil.localhost'], 'misdirected'],
    ['a name that begins with the loopback address', ['127.0.0.1.evil'], 'misdirected'],
    ['the loopback address with a final dot', ['127.0.0.1.'], 'misdirected'],
    ['another address of the loopback net', ['127.0.0.2'], 'misdirected'],
    ['an address of a private net', ['192.168.0.1:8765'], 'misdirected'],
    ['the mapped IPv4 loopback', ['[::ffff:127.0.0.1]'], 'misdirected'],
    ['the long form of the IPv6 loopback', ['[0:0:0:0:0:0:0:1]'], 'misdirected'],
    ['the wildcard address', ['0.0.0.0:8765'], 'misdirected'],
    ['the IPv6 wildcard', ['[::]:8765'], 'misdirected'],
    ['the address as one number', ['2130706433'], 'misdirected'],
    ['the address in hex', ['0x7f.1'], 'misdirected'],
    ['user information before it', ['user@127.0.0.1'], 'bad_request'],
    ['user information that looks like a host', ['127.0.0.1:80@evil'], 'bad_request'],
    ['two Hosts', ['127.0.0.1', 'evil'], 'bad_request'],
    ['twice the same Host', ['127.0.0.1', '127.0.0.1'], 'bad_request'],
    ['no Host', [], 'bad_request'],
    ['an empty Host', [''], 'bad_request'],
    ['a list', ['127.0.0.1,evil'], 'bad_request'],
    ['a blank in it', ['127.0.0.1 evil'], 'bad_request'],
    ['an empty port', ['127.0.0.1:'], 'bad_request'],
    ['a port past the last', ['127.0.0.1:65536'], 'bad_request'],
    ['a port that is no number', ['127.0.0.1:80a'], 'bad_request'],
    ['two ports', ['127.0.0.1:80:80'], 'bad_request'],
    ['a path behind it', ['127.0.0.1/evil'], 'bad_request'],
    ['a scheme before it', ['http://127.0.0.1'], 'bad_request'],
    ['an address in brackets that is none', ['[127.0.0.1]'], 'bad_request'],
    ['a zone', ['[fe80::1%25eth0]'], 'bad_request'],
    ['letters that are not ASCII', ['１２７.0.0.1'], 'bad_request'],
    ['a percent escape', ['127%2e0.0.1'], 'bad_request'],
    ['a quote', ['"127.0.0.1"'], 'bad_request'],
    ['a NUL', ['127.0.0.1\0'], 'bad_request'],
  ]
  test.each(rows)('%s', (_name, hosts, expected) => {
    const headers = hosts.map((host) => ['Host', host] as const)
    expect(verdictOf('/', headers)).toBe(expected)
    expect(verdictOf(`/${ROUTES.health}`, headers)).toBe(expected)
    expect(verdictOf(`/${ROUTES.identity}`, [...headers, WITH_KEY])).toBe(expected === 'open' ? 'private' : expected)
  })

  test('what a proxy says of the Host changes nothing', () => {
    const forwarded: Header[] = [
      ['X-Forwarded-Host', '127.0.0.1'],
      ['Forwarded', 'host=127.0.0.1'],
    ]
    expect(verdictOf('/', [['Host', 'evil'], ...forwarded])).toBe('misdirected')
  })

  test('what one viewer learnt is nothing to the page of another', () => {
    const hub: Header = ['Host', LEARNT_HOST]
    expect(verdictOf(`/${ROUTES.identity}`, [hub, [KEY_HEADER, OTHER_KEY]])).toBe('misdirected')
    expect(verdictOf(`/?viewerId=${OTHER}`, [hub])).toBe('misdirected')
    expect(verdictOf(`/?viewerId=${VIEWER}`, [hub])).toBe('open')
  })

  test('a signed probe comes by any Host, to health and to the page alone', () => {
    const evil: Header = ['Host', 'evil']
    expect(verdictOf(`/${ROUTES.health}?${probe()}`, [evil])).toBe('open')
    expect(verdictOf(`/?${probe()}`, [evil])).toBe('open')
    expect(verdictOf(`/${ROUTES.health}?${probe('forged')}`, [evil])).toBe('misdirected')
    expect(verdictOf(`/${ROUTES.health}?${probe()}&mac=${MAC}`, [evil])).toBe('misdirected')
    expect(verdictOf(`/${ROUTES.info}?${probe()}`, [evil])).toBe('misdirected')
    expect(verdictOf(`/${ROUTES.identity}?${probe()}`, [evil, WITH_KEY])).toBe('misdirected')
    expect(verdictOf(`/${ROUTES.health}?${probe()}`, [evil], 'HEAD')).toBe('misdirected')
  })
})

describe('the target', () => {
  const bad = [
    '',
    '*',
    'http://127.0.0.1/',
    '//',
    '//evil/',
    '/\\evil',
    '/..',
    '/../etc/passwd',
    '/a/../b',
    '/a/./b',
    '/.',
    '/%2e%2e/',
    '/%2E%2E/etc',
    '/_cellucid%2fidentity',
    '/_cellucid%5Cidentity',
    '/%00',
    '/_cellucid//identity',
    '/_cellucid/identity/',
    '/#',
    '/?#',
    '/ ',
    '/\u0001',
    '/é',
    '/?é',
    '/? ',
    `/${'a'.repeat(1024)}`,
    `/?${'a'.repeat(4097)}`,
  ]
  test.each(bad)('%j is no target of ours', (target) => {
    expect(verdictOf(target, [LOCAL, WITH_KEY])).toBe('bad_request')
  })

  test('an escaped name is not the name', () => {
    expect(verdictOf('/%5fcellucid/identity', [LOCAL, WITH_KEY])).toBe('bad_request')
  })

  test('where no route is, only a page with a key may know', () => {
    expect(verdictOf('/secret', [LOCAL])).toBe('no_key')
    expect(verdictOf('/secret', [LOCAL, WITH_KEY])).toBe('private')
  })
})

test('a method that the route does not have is refused before the key is looked at', () => {
  for (const method of ['OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'CONNECT', 'PROPFIND', 'get', '']) {
    expect(verdictOf('/', [LOCAL], method)).toBe('method_not_allowed')
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL], method)).toBe('method_not_allowed')
  }
  expect(verdictOf(`/${ROUTES.key}`, [LOCAL], 'GET')).toBe('method_not_allowed')
  expect(verdictOf(`/${ROUTES.snapshot}`, [LOCAL], 'POST')).toBe('method_not_allowed')
  expect(verdictOf(`/${ROUTES.commands}`, [LOCAL], 'HEAD')).toBe('method_not_allowed')
  expect(verdictOf(`/${ROUTES.channel}`, [LOCAL], 'POST')).toBe('method_not_allowed')
})

describe('what the browser says of the asking page', () => {
  const crossSite: Header = ['Sec-Fetch-Site', 'cross-site']
  const mode = (value: string): Header => ['Sec-Fetch-Mode', value]
  const dest = (value: string): Header => ['Sec-Fetch-Dest', value]
  const origin = (value: string): Header => ['Origin', value]

  test.each(['same-origin', 'same-site', 'none'])('%s is no other page', (site) => {
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, ['Sec-Fetch-Site', site]])).toBe('private')
  })

  test('another site may navigate to the page, in a frame or a tab, and do nothing else', () => {
    expect(verdictOf('/', [LOCAL, crossSite, mode('navigate'), dest('iframe')])).toBe('open')
    expect(verdictOf('/', [LOCAL, crossSite, mode('navigate'), dest('document')])).toBe('open')
    expect(verdictOf('/', [LOCAL, crossSite, mode('navigate'), dest('embed')])).toBe('forbidden')
    expect(verdictOf('/', [LOCAL, crossSite, mode('no-cors'), dest('script')])).toBe('forbidden')
    expect(verdictOf('/', [LOCAL, crossSite, mode('cors'), dest('document')])).toBe('forbidden')
    expect(verdictOf('/', [LOCAL, crossSite, mode('cors'), dest('empty')])).toBe('forbidden')
    expect(verdictOf('/', [LOCAL, crossSite])).toBe('forbidden')
    expect(verdictOf('/', [LOCAL, crossSite, mode('navigate'), dest('iframe')], 'HEAD')).toBe('forbidden')
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, crossSite, mode('navigate'), dest('document')])).toBe(
      'forbidden',
    )
  })

  test('another site may ask health from a learnt origin, or with a signed probe', () => {
    const health = `/${ROUTES.health}?viewerId=${VIEWER}`
    expect(verdictOf(health, [LOCAL, crossSite, mode('cors'), origin(LEARNT_ORIGIN)])).toBe('open')
    expect(verdictOf(health, [LOCAL, crossSite, mode('cors'), origin('https://evil')])).toBe('forbidden')
    expect(verdictOf(health, [LOCAL, crossSite, mode('no-cors'), origin(LEARNT_ORIGIN)])).toBe('forbidden')
    expect(verdictOf(health, [LOCAL, crossSite, mode('cors')])).toBe('forbidden')
    expect(verdictOf(`/${ROUTES.health}?${probe()}`, [LOCAL, crossSite, mode('cors'), origin('https://evil')])).toBe(
      'open',
    )
  })

  test('an unknown word counts as another site, and so does one of two', () => {
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, ['Sec-Fetch-Site', 'Same-Origin']])).toBe('forbidden')
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, ['Sec-Fetch-Site', ''], crossSite])).toBe('forbidden')
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, ['Sec-Fetch-Site', 'same-origin'], crossSite])).toBe(
      'forbidden',
    )
  })

  const origins: [string, string][] = [
    ['http://127.0.0.1:8765', 'private'],
    [LEARNT_ORIGIN, 'private'],
    ['https://127.0.0.1:8765', 'forbidden'],
    ['http://127.0.0.1:8766', 'forbidden'],
    ['http://127.0.0.1', 'forbidden'],
    ['http://localhost:8765', 'forbidden'],
    ['https://hub.example', 'forbidden'],
    ['https://hub.example:8443.evil', 'forbidden'],
    ['https://hub.example:8443/', 'forbidden'],
    ['https://evil.hub.example:8443', 'forbidden'],
    ['HTTPS://hub.example:8443', 'forbidden'],
    ['null', 'forbidden'],
    ['', 'forbidden'],
    ['*', 'forbidden'],
  ]
  test.each(origins)('the origin %j', (value, expected) => {
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, origin(value)])).toBe(expected)
  })

  test('two origins are none', () => {
    const own = origin('http://127.0.0.1:8765')
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, WITH_KEY, own, own])).toBe('forbidden')
  })

  test('the origin of a loopback Host is its own; a learnt Host has its origin to learn', () => {
    expect(verdictOf(`/${ROUTES.identity}`, [['Host', LEARNT_HOST], WITH_KEY, origin(`http://${LEARNT_HOST}`)])).toBe(
      'forbidden',
    )
  })
})

describe('the page key', () => {
  const all = [
    [ROUTES.identity, 'GET'],
    [ROUTES.embedding, 'GET'],
    [ROUTES.obsColumn, 'GET'],
    [ROUTES.varColumn, 'GET'],
    [ROUTES.genes, 'GET'],
    [ROUTES.cellNames, 'GET'],
    [ROUTES.events, 'POST'],
    [ROUTES.commands, 'GET'],
    [ROUTES.snapshot, 'PUT'],
    [HOSTED_ROUTES.hosted, 'GET'],
    [HOSTED_ROUTES.hosted, 'POST'],
  ] as const
  test.each(all)('%s needs one (%s)', (route, method) => {
    expect(verdictOf(`/${route}`, [LOCAL], method)).toBe('no_key')
    expect(verdictOf(`/${route}`, [LOCAL, [KEY_HEADER, 'x'.repeat(43)]], method)).toBe('bad_key')
    expect(verdictOf(`/${route}`, [LOCAL, [KEY_HEADER, '']], method)).toBe('bad_key')
    expect(verdictOf(`/${route}`, [LOCAL, [KEY_HEADER, `${KEY} `]], method)).toBe('bad_key')
    expect(verdictOf(`/${route}`, [LOCAL, WITH_KEY, WITH_KEY], method)).toBe('bad_key')
    expect(verdictOf(`/${route}`, [LOCAL, ['Cookie', `${KEY_HEADER}=${KEY}`]], method)).toBe('no_key')
    expect(verdictOf(`/${route}?${KEY_HEADER}=${KEY}`, [LOCAL], method)).toBe('no_key')
    expect(verdictOf(`/${route}`, [LOCAL, [KEY_HEADER.toUpperCase(), KEY]], method)).toBe('private')
  })

  test('the page, health and info need none; the channel asks in its first frame', () => {
    expect(verdictOf('/', [LOCAL])).toBe('open')
    expect(verdictOf(`/${ROUTES.health}`, [LOCAL])).toBe('open')
    expect(verdictOf(`/${ROUTES.info}`, [LOCAL])).toBe('open')
    expect(verdictOf(`/${ROUTES.key}`, [LOCAL], 'POST')).toBe('keyMaking')
    expect(verdictOf(`/${ROUTES.channel}`, [LOCAL])).toBe('channel')
  })
})

describe('the key in the path of a hosted page', () => {
  const at = (path: string, key = CAPABILITY) => `/_cellucid/u/${key}/${path}`

  test.each([
    ['GET', ''],
    ['HEAD', 'index.html'],
    ['GET', 'assets/app.js'],
    ['GET', 'obs/leiden.codes.u8'],
    ['GET', ROUTES.health],
    ['GET', ROUTES.identity],
    ['POST', ROUTES.events],
    ['POST', ROUTES.sessionBundle],
  ])('lets through %s %s, with no header of ours', (method, path) => {
    expect(verdictOf(at(path), [LOCAL], method)).toBe('capability')
  })

  test.each([
    ['POST', ''],
    ['POST', 'index.html'],
    ['POST', ROUTES.key],
    ['POST', HOSTED_ROUTES.hosted],
    ['PUT', ROUTES.snapshot],
    ['PUT', ROUTES.events],
    ['GET', ROUTES.events],
    ['GET', ROUTES.sessionBundle],
    ['OPTIONS', ''],
    ['DELETE', 'index.html'],
  ])('refuses %s %s', (method, path) => {
    expect(verdictOf(at(path), [LOCAL], method)).toBe('method_not_allowed')
  })

  test.each([
    ['another key', at('', 'd'.repeat(43)), 'bad_key'],
    ['a page key', at('', KEY), 'bad_key'],
    ['a shorter key', at('', CAPABILITY.slice(1)), 'bad_request'],
    ['a key and no slash behind it', at('').slice(0, -1), 'no_key'],
    ['a dot segment', at('../../identity'), 'bad_request'],
    ['an encoded dot segment', at('%2e%2e/%2e%2e/identity'), 'bad_request'],
    ['an encoded slash', at('obs%2fleiden'), 'bad_request'],
  ])('with %s opens nothing', (_, target, verdict) => {
    expect(verdictOf(target, [LOCAL])).toBe(verdict)
  })

  test('opens nothing as a header, and a page key beside it speaks for no other viewer', () => {
    expect(verdictOf(`/${ROUTES.identity}`, [LOCAL, [KEY_HEADER, CAPABILITY]])).toBe('bad_key')
    const beside = { rawHeaders: [...LOCAL, KEY_HEADER, OTHER_KEY], target: at(''), method: 'GET' }
    expect(admit(beside, allow)).toMatchObject({ admission: { class: 'capability', viewerId: VIEWER } })
  })

  test('is no way in for pages of other sites and names of other machines', () => {
    expect(verdictOf(at(''), [['Host', 'evil.example']])).toBe('misdirected')
    expect(verdictOf(at(''), [LOCAL, ['Origin', 'https://evil.example']])).toBe('forbidden')
    for (const mode of ['navigate', 'cors', 'no-cors']) {
      expect(verdictOf(at(''), [LOCAL, ['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Mode', mode]])).toBe('forbidden')
    }
  })
})

test('more header lines than a proxy ever adds are refused', () => {
  const lines = Array.from({ length: 100 }, (_, i) => [`X-${i}`, ''] as const)
  expect(verdictOf('/', [LOCAL, ...lines.slice(1)])).toBe('open')
  expect(verdictOf('/', [LOCAL, ...lines])).toBe('bad_request')
})
