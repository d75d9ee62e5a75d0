import { expect, test } from 'vitest'
import { httpTransport } from '../../page/transport.ts'

test.each([
  ['127.0.0.1', '/', false],
  ['localhost', '/', false],
  ['[::1]', '/', false],
  // A proxy on localhost is often the end of an ssh tunnel.
  ['localhost', '/proxy/8765/', true],
  ['hub.example', '/user/a/proxy/8765/', true],
  ['10.0.0.7', '/', true],
  ['127.0.0.1.example', '/', true],
])('a page at %s%s asks for columns compressed: %s', (hostname, pathname, isCompressed) => {
  const { wantsGzip, partBytes } = httpTransport({ hostname, pathname })
  expect(wantsGzip).toBe(isCompressed)
  expect(partBytes === null).toBe(!isCompressed)
})
