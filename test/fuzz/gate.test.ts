import fc from 'fast-check'
import { expect } from 'vitest'
import { isErrorCode } from '../../protocol/errors.ts'
import { handshakeKey, nameOf } from '../../protocol/handshake.ts'
import { makeNonce } from '../../protocol/probe.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { sendRaw, UPGRADE } from '../stage/raw-http.ts'
import { fuzz } from './fuzz.ts'
import { expectNoData, LiveServer } from './live-server.ts'

const WORDS = [
  'GET',
  'POST',
  'PUT',
  'OPTIONS',
  '/',
  ...Object.values(ROUTES).map((route) => `/${route}`),
  '/_cellucid/health?nonce=',
  '?key=score',
  '?viewerId=',
  ' HTTP/1.1',
  'HTTP/1.0',
  '\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  'Host: 127.0.0.1',
  'Host: evil',
  'Content-Length: 5',
  'Content-Length: -1',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Expect: 100-continue',
  'Origin: null',
  `${KEY_HEADER}: `,
  'Range: bytes=0-',
  '0\r\n\r\n',
  '\0',
  '\x7f',
  'é',
  '%',
  '%zz',
  '..',
  '\\',
  '{}',
]
/** What ends in mid-request is ended by us: the server would wait for the rest, as it must. */
const ENDS_AFTER_MS = 20

type Attack = { words: string[]; isWhole: boolean } | { target: string; lines: [string, string][]; after: Uint8Array }
const word = fc.constantFrom(...WORDS)
const line = fc.tuple(
  fc.constantFrom(
    'Host',
    'Origin',
    'Connection',
    'Upgrade',
    'Sec-WebSocket-Key',
    'Expect',
    'Sec-Fetch-Site',
    'Cookie',
    'X',
  ),
  fc.constantFrom(
    '127.0.0.1',
    'evil',
    'null',
    'close',
    'Upgrade',
    'websocket',
    '13',
    '',
    'http://127.0.0.1',
    'cross-site',
  ),
)
const attack: fc.Arbitrary<Attack> = fc.oneof(
  fc.record({ words: fc.array(word, { maxLength: 30 }), isWhole: fc.boolean() }),
  // An upgrade, often one that is let through, and then bytes where frames of a WebSocket should be.
  fc.record({
    target: fc.constantFrom('channel', 'channel', 'channel?', ...Object.values(ROUTES), '', '%'),
    lines: fc.array(line, { maxLength: 2 }),
    after: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom(0x80, 0x81, 0x82, 0x88, 0x89, 0x0f, 0xc2),
          fc.constantFrom(0x80, 0x85, 0xfe, 0xff, 0),
          fc.uint8Array({ maxLength: 12 }),
        )
        .map(([first, second, rest]) => Uint8Array.from([first, second, ...rest])),
    ),
  }),
)

fuzz<Attack>({
  name: 'gate',
  holds: 'bytes where a request should be are answered by us or cut off at once, and bring no data to a stranger',
  runs: 300,
  async open() {
    const live = await LiveServer.open()
    return {
      input: attack,
      async run(input) {
        await live.ready()
        const bytes = 'words' in input ? requestOf(input) : upgradeOf(input, live)
        const asking = sendRaw(live.server.port, bytes, { endsAfterMs: ENDS_AFTER_MS })
        const answer = await asking.catch((error: unknown) => live.reasonOf(error))
        live.expectAlive()
        if (answer === null) return 'cut off'
        expectNoData(answer.body)
        if (answer.status >= 400 && answer.body !== '') {
          const { code } = JSON.parse(answer.body.slice(0, answer.body.indexOf('}') + 1)) as { code: unknown } // of our server
          expect(isErrorCode(code) && code !== 'internal', answer.body).toBe(true)
        }
        return String(answer.status)
      },
      check: () => live.expectWell(),
      measure: () => live.measure(),
    }
  },
})

function requestOf({ words, isWhole }: { words: readonly string[]; isWhole: boolean }): Buffer {
  const text = words.join('')
  return Buffer.from(isWhole ? `${text}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n` : text, 'latin1')
}

function upgradeOf({ target, lines, after }: Extract<Attack, { target: string }>, live: LiveServer): Buffer {
  const by = nameOf(handshakeKey(live.wildKey(0)))
  const query = new URLSearchParams({ viewerId: live.viewer.viewerId, by, nonce: makeNonce() })
  const path = target === 'channel' ? `${ROUTES.channel}?${query}` : target
  const all = [['Host', '127.0.0.1'], ...UPGRADE, ...lines].map(([name, value]) => `${name}: ${value}`)
  return Buffer.concat([Buffer.from([`GET /${path} HTTP/1.1`, ...all, '', ''].join('\r\n'), 'latin1'), after])
}
