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

test.each([
  ['in a moment, as on one machine', 9, false],
  ['slowly, as through an ssh tunnel', 60, true],
])('behind a proxy where the page itself came %s', (_, tookMs, isCompressed) => {
  const arrival = { transferSize: 166_000, responseStart: 100, responseEnd: 100 + tookMs }
  const { wantsGzip, partBytes } = httpTransport({ hostname: 'localhost', pathname: '/proxy/8765/' }, arrival)
  expect(wantsGzip).toBe(isCompressed)
  expect(partBytes).not.toBeNull()
})
