import { afterEach, expect, test, vi } from 'vitest'
import { ServerClient } from '../../../page/connection/server-client.ts'
import type { Answer, Call, Transport } from '../../../page/connection/transport.ts'
import { CELLS, LOUVAIN, MemoryServer, refused } from '../memory-server.ts'

afterEach(() => vi.restoreAllMocks())

/** A server that has too much to do for so many requests. */
function busyClient(times: number): ServerClient {
  const server = new MemoryServer()
  let left = times
  const call = async (asked: Call): Promise<Answer> =>
    left-- > 0 ? refused('overloaded', 'Too much to do.') : server.call(asked)
  const transport: Transport = { kind: 'http', partBytes: null, parallelParts: 2, wantsGzip: false, call }
  return new ServerClient(transport)
}

test('a server that has too much to do is asked again until it answers', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { signal } = new AbortController()
  expect(await busyClient(3).column({ axis: 'obs', key: 'louvain' }, { cellCount: CELLS }, signal)).toEqual({
    ...LOUVAIN,
    version: '1',
  })
  await expect(busyClient(1).column({ axis: 'obs', key: 'nothing' }, { cellCount: CELLS }, signal)).rejects.toThrow(
    'No field',
  )
})

test('what nobody wants any more is not asked again', async () => {
  const stop = new AbortController()
  const asked = busyClient(Number.POSITIVE_INFINITY).column(
    { axis: 'obs', key: 'louvain' },
    { cellCount: CELLS },
    stop.signal,
  )
  stop.abort()
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
})
