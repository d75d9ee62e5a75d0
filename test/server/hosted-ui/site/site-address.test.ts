import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Site } from '../../../../server/hosted-ui/site/site.ts'
import {
  DEFAULT_SOURCE,
  isPublicAddress,
  lookupPublic,
  parseSource,
} from '../../../../server/hosted-ui/site/site-address.ts'

describe('the address of a site', () => {
  test.each([
    [DEFAULT_SOURCE, DEFAULT_SOURCE],
    ['https://viewer.example/', 'https://viewer.example'],
    ['HTTPS://VIEWER.example:8443/builds/v1/', 'https://viewer.example:8443/builds/v1'],
    ['https://8.8.8.8', 'https://8.8.8.8'],
    ['https://[2606:4700::1111]', 'https://[2606:4700::1111]'],
    ['http://127.0.0.1:9000/dist', 'http://127.0.0.1:9000/dist'],
    ['http://[::1]:9000', 'http://[::1]:9000'],
  ])('%s is taken', (text, source) => {
    expect(parseSource(text)).toBe(source)
  })

  const REFUSED: [why: RegExp, texts: string[]][] = [
    [
      /it is not an address/,
      [
        '',
        'viewer.example',
        '//viewer.example',
        '/etc/passwd',
        'https://',
        'https://a b',
        'https://[::1',
        'https://1.2.3.4.5',
      ],
    ],
    [
      /it must begin with https/,
      [
        'file:///etc/passwd',
        'ftp://viewer.example',
        'gopher://127.0.0.1:6379/_x',
        'javascript:alert(1)',
        'data:text/html,x',
        'blob:https://viewer.example/x',
        'ws://viewer.example',
      ],
    ],
    [
      /it must hold no login/,
      ['https://user:pass@viewer.example', 'https://viewer.example@169.254.169.254', 'https://user@viewer.example'],
    ],
    [
      /it must end with its path/,
      [
        'https://viewer.example?u=1',
        'https://viewer.example/?',
        'https://viewer.example/#',
        'https://viewer.example#@evil.example',
      ],
    ],
    [
      /characters that no site needs/,
      [
        'https://viewer.example/%00',
        'https://viewer.example/a%2fb',
        'https://viewer.example//x',
        'https://viewer.example/a;b',
        'https://viewer.example/~me',
      ],
    ],
    [
      /over plain http others could change it/,
      [
        'http://viewer.example',
        'http://localhost:9000',
        'http://127.0.0.1.nip.example',
        'http://169.254.169.254/latest/meta-data',
        'http://10.0.0.1',
        'http://0.0.0.0',
        'http://[::]',
        'http://[::ffff:127.0.0.1]',
      ],
    ],
    [
      /its address is a private one/,
      [
        'https://169.254.169.254/latest/meta-data',
        'https://100.100.100.200',
        'https://10.0.0.1',
        'https://172.16.0.1',
        'https://172.31.255.255',
        'https://192.168.0.1',
        'https://0.0.0.0',
        'https://0x0a000001',
        'https://167772161',
        'https://012.0.0.1',
        'https://0xa9.0xfe.0xa9.0xfe',
        'https://[fd00:ec2::254]',
        'https://[fe80::1]',
        'https://[::ffff:10.0.0.1]',
        'https://[::ffff:169.254.169.254]',
        'https://[64:ff9b::a9fe:a9fe]',
        'https://[2002:a9fe:a9fe::1]',
        'https://[::]',
        'https://224.0.0.1',
        'https://255.255.255.255',
      ],
    ],
  ]
  test.each(REFUSED.flatMap(([why, texts]) => texts.map((text) => [text, why] as const)))(
    '%s is refused',
    (text, why) => {
      expect(() => parseSource(text)).toThrow(why)
    },
  )

  test('what is refused is said with what was asked and the default', () => {
    expect(() => parseSource('http://viewer.example')).toThrow(
      'web_source_url="http://viewer.example" cannot be used: over plain http others could change it on the way. ' +
        'The default is https://www.cellucid.com.',
    )
  })
})

test('addresses of networks are told from private, reserved and embedded ones', () => {
  const ofNetworks = ['1.1.1.1', '100.63.255.255', '172.32.0.1', '192.169.0.1', '2606:4700::1111']
  const hidden = ['100.64.0.1', '127.8.8.8', '198.18.0.1', '::1', 'fc00::1', '2001::1', '2001:db8::1', 'localhost', '']
  expect(ofNetworks.filter(isPublicAddress)).toEqual(ofNetworks)
  expect(hidden.filter(isPublicAddress)).toEqual([])
})

test.each([{ all: true }, { all: false }])(
  'a name that leads to this machine has no address to connect to: %j',
  async (options) => {
    const error = await new Promise((answered) => lookupPublic('localhost', options, answered))
    expect(String(error)).toMatch(/localhost leads into a private network/)
  },
)

test('a site whose name leads into a private network is never connected to', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const site = new Site(parseSource(`https://localhost:${(server.address() as AddressInfo).port}`))
  onTestFinished(async () => {
    await site.close()
    server.close()
  })
  await expect(site.fetch('index.html', new AbortController().signal)).rejects.toThrow(
    /localhost:\d+ leads into a private network, where nothing is fetched \(asked for index\.html\)\.$/,
  )
  expect(connections).toBe(0)
})
