import { PassThrough, Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import { encodeFrame, joinFrames, MAX_FRAME_BYTES } from '../../../protocol/frame.ts'
import { type Answer, type Message, Pipe } from '../../../server/kernel/json-rpc-pipe.ts'
import { MessageReader } from '../../../server/kernel/message-reader.ts'
import { piecesOf } from '../../../server/process/stdio.ts'

/** An output whose reader takes one write at a time, when told to. */
class SlowOutput extends Writable {
  readonly #reader = new MessageReader()
  #release: (() => void) | null = null
  /** Headers of the messages read so far, with their bodies' lengths. */
  readonly read: Record<string, unknown>[] = []
  isOpen = true

  constructor() {
    super({ highWaterMark: 1 })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take(chunk)
    if (this.isOpen) done()
    else this.#release = done
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#take(chunk)
    if (this.isOpen) done()
    else this.#release = done
  }

  /** Let the reader read again. */
  open(): void {
    this.isOpen = true
    this.#release?.()
  }

  #take(chunk: Buffer): void {
    for (const { header, body } of this.#reader.push(chunk)) this.read.push({ ...header, bytes: body.byteLength })
  }
}

const methods = (output: SlowOutput) => output.read.map(({ method }) => method)
const never = async (): Promise<Answer | null> => null

function stage(serve: (method: string, message: Message) => Promise<Answer | null> = never) {
  const output = new SlowOutput()
  const pipe = new Pipe(output)
  const input = new PassThrough()
  const ended = pipe.read(piecesOf(input), serve)
  const say = (header: object, body = new Uint8Array()) => input.write(joinFrames([encodeFrame(header, body)]))
  return { output, pipe, input, ended, say }
}

describe('what the server says', () => {
  test('goes out in order, bulk behind all else and in parts', async () => {
    const { output, pipe } = stage()
    output.isOpen = false
    const sent = [
      pipe.notify('first', {}),
      pipe.notify('picture', {}, new Uint8Array(5 << 20), { isBulk: true }),
      pipe.notify('large', {}, new Uint8Array(3 << 20)),
      pipe.notify('small', {}),
    ]
    output.open()
    await Promise.all(sent)
    expect(methods(output)).toEqual(['first', 'large', 'small', 'picture'])
    expect(output.read.map(({ bytes }) => bytes)).toEqual([0, 3 << 20, 0, 5 << 20])
  })

  test('what comes while a picture is under way waits for one part of it only', async () => {
    const { output, pipe } = stage()
    const picture = pipe.notify('picture', {}, new Uint8Array(8 << 20), { isBulk: true })
    const events = Array.from({ length: 5 }, (_, i) => pipe.notify(`event-${i}`, {}))
    await Promise.all([picture, ...events])
    expect(methods(output)).toEqual(['event-0', 'event-1', 'event-2', 'event-3', 'event-4', 'picture'])
  })

  test('of what is replaced while it waits only the last arrives, in the place of the first', async () => {
    const { output, pipe } = stage()
    output.isOpen = false
    const sent = [
      pipe.notify('under way', {}),
      pipe.notify('hover', { cell: 1 }, undefined, { replaces: 'a/hover' }),
      pipe.notify('selection', {}),
      pipe.notify('hover', { cell: 2 }, undefined, { replaces: 'a/hover' }),
      pipe.notify('hover', { cell: 3 }, undefined, { replaces: 'b/hover' }),
    ]
    output.open()
    await Promise.all(sent)
    expect(output.read.map(({ method, params }) => [method, params])).toEqual([
      ['under way', {}],
      ['hover', { cell: 2 }],
      ['selection', {}],
      ['hover', { cell: 3 }],
    ])
  })

  test('that does not fit a frame’s header is refused to the one who said it', async () => {
    const { output, pipe } = stage()
    await expect(pipe.notify('huge', { text: 'x'.repeat(MAX_FRAME_BYTES) })).rejects.toMatchObject({
      code: 'too_large',
    })
    await pipe.notify('next', {})
    expect(methods(output)).toEqual(['next'])
  })

  test('to a reader that is gone keeps nobody waiting', async () => {
    const { output, pipe } = stage()
    output.isOpen = false
    const sent = [pipe.notify('a', {}), pipe.notify('b', {})]
    output.on('error', () => undefined)
    output.destroy(new Error('EPIPE'))
    pipe.close()
    await Promise.all(sent)
    await pipe.notify('c', {})
  })
})

describe('what the server asks', () => {
  const live = () => new AbortController().signal

  test('is answered by number, in whatever order', async () => {
    const { output, pipe, say } = stage()
    const [first, second] = [pipe.call('source.read', { n: 1 }, live()), pipe.call('source.read', { n: 2 }, live())]
    await expect.poll(() => output.read.length).toBe(2)
    say({ jsonrpc: '2.0', id: output.read[1]?.id, result: 'two' }, Uint8Array.of(2))
    say({ jsonrpc: '2.0', id: output.read[0]?.id, error: { code: 'kernel_busy', message: 'Wait.' } })
    expect(await second).toEqual({ result: 'two', body: expect.objectContaining({ length: 1 }) })
    await expect(first).rejects.toMatchObject({ code: 'kernel_busy', message: 'Wait.' })
  })

  test('ends when nobody wants it any more, and its late answer goes nowhere', async () => {
    const { output, pipe, say, ended, input } = stage()
    const stop = new AbortController()
    const asked = pipe.call('source.read', {}, stop.signal)
    await expect.poll(() => output.read.length).toBe(1)
    stop.abort(new Error('left'))
    await expect(asked).rejects.toThrow('left')
    say({ jsonrpc: '2.0', id: output.read[0]?.id, result: {} })
    say({ jsonrpc: '2.0', id: 999, result: {} })
    input.end()
    expect(await ended).toBeNull()
    await expect(pipe.call('source.read', {}, stop.signal)).rejects.toThrow('left')
  })

  test('ends with the kernel', async () => {
    const { pipe, input } = stage()
    const asked = pipe.call('source.read', {}, live())
    input.end()
    await expect(asked).rejects.toMatchObject({ code: 'kernel_gone' })
    await expect(pipe.call('source.read', {}, live())).rejects.toMatchObject({ code: 'kernel_gone' })
  })

  test('an error of an unknown code is internal', async () => {
    const { output, pipe, say } = stage()
    const asked = pipe.call('source.read', {}, live())
    await expect.poll(() => output.read.length).toBe(1)
    say({ jsonrpc: '2.0', id: output.read[0]?.id, error: { code: 'EVIL', message: 5 } })
    await expect(asked).rejects.toMatchObject({ code: 'internal' })
  })
})

describe('what the kernel asks', () => {
  test('is answered once, also when it fails, and by its code alone where that is ours', async () => {
    const { output, say } = stage(async (method, { body }) => {
      if (method === 'refused') throw new ProtocolError('not_found', 'No such file.')
      if (method === 'broken') throw new Error('/home/alice/secret.py line 3')
      return { result: { method }, body }
    })
    say({ jsonrpc: '2.0', id: 1, method: 'echo', params: {} }, Uint8Array.of(1, 2, 3))
    say({ jsonrpc: '2.0', id: 2, method: 'refused', params: {} })
    say({ jsonrpc: '2.0', id: 3, method: 'broken', params: {} })
    say({ jsonrpc: '2.0', method: 'broken', params: {} })
    await expect.poll(() => output.read.length).toBe(3)
    expect(output.read.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { jsonrpc: '2.0', id: 1, result: { method: 'echo' }, bytes: 3 },
      { jsonrpc: '2.0', id: 2, error: { code: 'not_found', message: 'No such file.' }, bytes: 0 },
      { jsonrpc: '2.0', id: 3, error: { code: 'internal', message: expect.not.stringContaining('alice') }, bytes: 0 },
    ])
  })

  test('ends in a reason when it is no frame, whatever the bytes: 500 seeded streams', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 5 }), async (chunks) => {
        const { input, ended } = stage()
        for (const chunk of chunks) input.write(chunk)
        input.end()
        const reason = await ended
        expect(reason === null || reason instanceof ProtocolError).toBe(true)
      }),
      { numRuns: 500, seed: 7 },
    )
  })
})
