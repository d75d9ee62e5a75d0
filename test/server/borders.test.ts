import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import Fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TUNNEL_LIMITS } from '../../protocol/comm.ts'
import { encodeFrame, encodeMessage, FrameAssembler, MAX_FRAME_BYTES, splitFrames } from '../../protocol/frame.ts'
import { Pieces } from '../../server/frames/byte-pieces.ts'
import { parseRange } from '../../server/http/byte-range.ts'
import { InnerRequests } from '../../server/http/inner-requests.ts'
import { Tunnel } from '../../server/http/tunnel.ts'
import { type Message, Pipe } from '../../server/kernel/json-rpc-pipe.ts'
import { LIMITS } from '../../server/process/limits.ts'
import { listen } from '../../server/process/listen.ts'
import { piecesOf } from '../../server/process/stdio.ts'
import { PollCarrier } from '../../server/viewers/channel-transport.ts'
import { appStage } from '../stage/app-stage.ts'
import { around, isSame, largest, messages, pattern } from '../stage/borders.ts'
import { PollPage, SocketPage } from '../stage/page-end.ts'

const PART = MAX_FRAME_BYTES - (64 << 10)
const countFrames = (size: number) => [...encodeMessage({ jsonrpc: '2.0' }, new Uint8Array(size), 1)].length
/** Bodies of one to five whole frames, and what the kernel's writer takes at once. */
const SIZES = around(
  ...[1, 2, 5].map((frames) => largest((size) => countFrames(size) <= frames, 6 * PART)),
  PART,
  4 << 20,
)
const live = () => new AbortController().signal

describe('the pipe', () => {
  /** Two ends that talk to each other through streams which hold that many bytes. */
  function stage(highWaterMark: number, serve: (message: Message) => Uint8Array = () => new Uint8Array()) {
    const streams = [new PassThrough({ highWaterMark }), new PassThrough({ highWaterMark })] as const
    const [server, kernel] = [new Pipe(streams[0]), new Pipe(streams[1])]
    const heard: { method: string; body: Uint8Array }[] = []
    const ended = [
      server.read(piecesOf(streams[1]), async (_method, message) => ({ result: {}, body: serve(message) })),
      kernel.read(piecesOf(streams[0]), async (method, { body }) => {
        heard.push({ method, body })
        return { result: {}, body }
      }),
    ]
    const end = async () => {
      for (const stream of streams) stream.end()
      return Promise.all(ended)
    }
    return { server, kernel, heard, end }
  }

  test('carries whatever is said at once, whole, control in order before bulk in order, and stays open', async () => {
    const marks = fc.constantFrom(1, 64 << 10, MAX_FRAME_BYTES)
    await fc.assert(
      fc.asyncProperty(messages(SIZES), marks, async (said, mark) => {
        const { server, heard, end } = stage(mark)
        await Promise.all(
          said.map(({ size, isBulk }, i) => server.notify(`${i}`, {}, pattern(size), isBulk ? { isBulk } : {})),
        )
        await server.notify('last', {})
        await expect.poll(() => heard.length).toBe(said.length + 1)
        for (const { method, body } of heard) {
          expect(isSame(body, pattern(method === 'last' ? 0 : (said[Number(method)]?.size ?? 9)))).toBe(true)
        }
        for (const isBulk of [true, false]) {
          const own = heard.map(({ method }) => Number(method)).filter((i) => said[i]?.isBulk === isBulk)
          expect(own).toEqual(own.toSorted((a, b) => a - b))
        }
        expect(await end()).toEqual([null, null])
      }),
      { seed: 21, numRuns: 25 },
    )
  })

  test.each(SIZES)('answers with a body of %i bytes, and the next question too', async (size) => {
    const { kernel, end } = stage(64 << 10, () => pattern(size))
    for (let turn = 0; turn < 2; turn++) {
      expect(isSame((await kernel.call('tunnel.fetch', {}, live())).body, pattern(size))).toBe(true)
    }
    expect(await end()).toEqual([null, null])
  })

  test.each([63, 64, 65, 128, 500])('carries %i messages at once', async (count) => {
    const { server, heard, end } = stage(16)
    await Promise.all(Array.from({ length: count }, (_, i) => server.notify(`${i}`, {})))
    await expect.poll(() => heard.map(({ method }) => Number(method))).toEqual([...Array(count).keys()])
    expect(await end()).toEqual([null, null])
  })
})

describe('answers to polls', () => {
  const MAX = new PollCarrier(() => undefined).maxFrameBytes

  test('carry every frame once and in order, none larger than the notebook’s connection takes', async () => {
    const lengths = fc.array(
      fc.constantFrom(...around(MAX - 8, MAX / 2, MAX - 500).filter((length) => length <= MAX)),
      {
        maxLength: 9,
      },
    )
    await fc.assert(
      fc.asyncProperty(lengths, async (sizes) => {
        const carrier = new PollCarrier(() => undefined)
        const frames = sizes.map((size, i) => encodeFrame({ i }, pattern(Math.max(0, size - 16))))
        carrier.send(frames)
        const heard: Uint8Array[] = []
        while (heard.length < frames.length) {
          const answer = await carrier.next(heard.length, live())
          expect(answer.byteLength).toBeLessThanOrEqual(TUNNEL_LIMITS.textPartBytes)
          const [head, ...rest] = splitFrames(answer)
          heard.push(...rest)
          expect(new FrameAssembler().push(head ?? pattern(0))?.header).toEqual({ kind: 'poll', cursor: heard.length })
        }
        expect(heard.every((frame, i) => isSame(frame, frames[i] ?? pattern(0)))).toBe(true)
        carrier.close(1001, 'The test ended.')
        await expect(carrier.next(heard.length, live())).rejects.toMatchObject({ code: 'bad_key' })
      }),
      { seed: 22, numRuns: 40 },
    )
  })

  test('never begin again from what is gone: a question of the start is refused then', async () => {
    const carrier = new PollCarrier(() => undefined)
    carrier.send([pattern(8), pattern(8)])
    await carrier.next(0, live())
    carrier.send([pattern(8)])
    await carrier.next(2, live())
    await expect(carrier.next(0, live())).rejects.toMatchObject({ code: 'closed' })
    carrier.close(1001, 'The test ended.')
  })
})

describe.each([
  ['a WebSocket', SocketPage],
  ['post and long-poll', PollPage],
])('a channel over %s', (_name, Page) => {
  const SETS = around(PART, 2 * PART, new PollCarrier(() => undefined).maxFrameBytes - (64 << 10)).filter((n) => n > 1)

  test('carries sets of cells that end at a border both ways, many at once, and goes on', async () => {
    const { open: openViewer, app, key } = await appStage()
    const viewer = openViewer()
    const base = `http://127.0.0.1:${await listen(app, 0, false)}/`
    const connect = async () => {
      const page = new Page({ base, viewerId: viewer.id, pageKey: key(viewer).key })
      onTestFinished(() => page.close())
      page.hello()
      await page.hear('welcome')
      return page
    }
    const page = await connect()
    const head = (n: number) => ({ encoding: 'bitmap', count: 0, cellCount: n * 8 }) as const
    for (const [i, size] of SETS.entries()) {
      page.send(
        { kind: 'cellSet', name: `group/${i}`, cells: { ...head(size), count: countBits(pattern(size)) } },
        pattern(size),
      )
    }
    await expect.poll(() => viewer.state.cellSets.size).toBe(SETS.length)
    const next = await connect()
    for (const [i, size] of SETS.entries()) {
      const { body } = await next.hear('cellSet', ({ name }) => name === `group/${i}`)
      expect(isSame(body, pattern(size))).toBe(true)
    }
    await viewer.addCommand(1, { kind: 'freeze' }, new Uint8Array())
    await next.hear('command')
  })
})

describe('the tunnel', () => {
  test.each(around(TUNNEL_LIMITS.partBytes, LIMITS.tunnelAnswerBytes))(
    'carries %i bytes, or says why not',
    async (size) => {
      const app = Fastify()
      const tunnel = new Tunnel(new InnerRequests(app))
      app.get('/whole', async () => Buffer.from(pattern(size)))
      app.get('/streamed', (_request, reply) => reply.send(piecesStream(pattern(size))))
      for (const path of ['whole', 'streamed']) {
        const ask = { viewerId: 'v', view: 'w', httpMethod: 'GET', path, headers: {} } as const
        const { status, body } = await tunnel.fetch(ask, new Uint8Array(), 1)
        expect(status).toBe(size > LIMITS.tunnelAnswerBytes ? 413 : 200)
        if (status === 200) expect(isSame(body, pattern(size))).toBe(true)
      }
    },
  )
})

function piecesStream(bytes: Uint8Array): PassThrough {
  const stream = new PassThrough()
  stream.write(bytes.subarray(0, 5))
  stream.end(bytes.subarray(5))
  return stream
}

test('bytes in pieces are those of the whole, from every place to every other', () => {
  const length = fc.constantFrom(...around(64 << 10, 32 << 10))
  fc.assert(
    fc.property(fc.array(length, { maxLength: 4 }), fc.nat(200_000), fc.nat(200_000), (lengths, a, b) => {
      const parts = lengths.map(pattern)
      const whole = Buffer.concat(parts)
      const pieces = new Pieces(parts)
      expect(pieces.byteLength).toBe(whole.byteLength)
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      expect(isSame(pieces.slice(start, end), whole.subarray(start, end))).toBe(true)
      for (const border of [0, ...lengths])
        expect(isSame(pieces.slice(0, border), whole.subarray(0, border))).toBe(true)
    }),
    { seed: 23, numRuns: 200 },
  )
})

test('a range of nothing is the whole of it; of anything else it lies inside', () => {
  expect(parseRange('bytes=0-1048575', 0)).toBeNull()
  expect(parseRange('bytes=-5', 0)).toBeNull()
  const { rangeBytes } = LIMITS
  for (const length of around(rangeBytes).filter((n) => n > 0)) {
    expect(parseRange(`bytes=0-${length - 1}`, length)).toEqual({ start: 0, end: Math.min(length, rangeBytes) })
    expect(parseRange(`bytes=${length - 1}-`, length)).toEqual({ start: length - 1, end: length })
    expect(parseRange(`bytes=${length}-`, length)).toBe('unsatisfiable')
  }
})

function countBits(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) count++
  return count
}
