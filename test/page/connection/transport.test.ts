import { expect, test } from 'vitest'
import { httpTransport, type Transport } from '../../../page/connection/transport.ts'

const LINE: Pick<Transport, 'call'> = { call: () => Promise.reject(new Error('Nothing is asked here.')) }

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
  const { wantsGzip, partBytes } = httpTransport({ hostname, pathname }, LINE, () => [])
  expect(wantsGzip).toBe(isCompressed)
  expect(partBytes === null).toBe(!isCompressed)
})

test.each([
  ['in a moment, as on one machine', 9, false],
  ['slowly, as through an ssh tunnel', 60, true],
])('behind a proxy where the page itself came %s', (_, tookMs, isCompressed) => {
  const arrivals = [{ transferSize: 166_000, responseStart: 100, responseEnd: 100 + tookMs }]
  const transport = httpTransport({ hostname: 'localhost', pathname: '/proxy/8765/' }, LINE, () => arrivals)
  expect(transport.wantsGzip).toBe(isCompressed)
  expect(transport.partBytes).not.toBeNull()
  // A small answer comes in one piece; a large one tells.
  arrivals.push({ transferSize: 900, responseStart: 200, responseEnd: 200 })
  expect(transport.wantsGzip).toBe(isCompressed)
  arrivals.push({ transferSize: 8_000_000, responseStart: 300, responseEnd: 340 })
  expect(transport.wantsGzip).toBe(false)
})
