// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PollCarrier } from '../../../page/connection/channel-poll.ts'
import { Outgoing } from '../../../page/connection/outgoing-messages.ts'
import { ServerFailure } from '../../../page/connection/server-failure.ts'
import type { Answer, Call, Transport } from '../../../page/connection/transport.ts'
import { decodeFrame, encodeFrame, FrameAssembler, joinFrames, splitFrames } from '../../../protocol/frame.ts'
import { around, pattern } from '../../stage/borders.ts'
import { bytes, json, refused } from '../memory-server.ts'

/** The server's half of post and long-poll, with switches for what proxies and networks do. */
class PollServer implements Transport {
  readonly kind = 'tunnel'
  readonly partBytes: number
  readonly parallelParts = 1
  readonly wantsGzip = true
  readonly posts: { sequence: number; bytes: number }[] = []
  readonly messages: Record<string, unknown>[] = []
  /** Posts whose answer is lost on its way, though they arrived. */
  losePosts = 0
  refusal: Answer | null = null
  #applied = 0
  readonly #assembler = new FrameAssembler()
  readonly #queue: Uint8Array[] = []
  #asked: (() => void) | null = null
  lastAfter = 0

  constructor(partBytes: number) {
    this.partBytes = partBytes
  }

  push(message: object): void {
    this.#queue.push(encodeFrame(message))
    this.#asked?.()
  }

  async call({ method, path, body, signal }: Call): Promise<Answer> {
    if (this.refusal !== null) return this.refusal
    const query = new URL(path, 'http://viewer.test/').searchParams
    if (method === 'POST') return this.#post(Number(query.get('sequence')), body ?? new Uint8Array())
    const after = Number(query.get('after'))
    this.lastAfter = after
    while (this.#queue.length === after) {
      await new Promise<void>((resolve, reject) => {
        this.#asked = resolve
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    }
    const head = encodeFrame({ kind: 'poll', cursor: this.#queue.length })
    return bytes(joinFrames([head, ...this.#queue.slice(after)]))
  }

  #post(sequence: number, body: Uint8Array): Answer {
    this.posts.push({ sequence, bytes: body.length })
    if (sequence === this.#applied + 1) {
      this.#applied = sequence
      for (const frame of splitFrames(body)) {
        const message = this.#assembler.push(frame)
        if (message !== null) this.messages.push({ ...message.header, length: message.body.length })
      }
    }
    if (this.losePosts-- > 0) throw new ServerFailure('network', 'lost')
    return json(200, {})
  }
}

function openCarrier(partBytes = 1 << 20) {
  const server = new PollServer(partBytes)
  const outgoing = new Outgoing()
  const heard: unknown[] = []
  let failures = 0
  const carrier = new PollCarrier(server, outgoing, {
    answered: () => undefined,
    failed: () => failures++,
    frame: (frame) => heard.push(decodeFrame(frame).header),
  })
  const life = new AbortController()
  const ended = carrier.run([encodeFrame({ kind: 'hello' })], life.signal)
  const outcome = ended.catch((error: unknown) => error)
  const stop = async () => {
    life.abort(new Error('the test ended'))
    await outcome
  }
  onTestFinished(stop)
  const send = (cell: number, body = new Uint8Array()) => {
    outgoing.push({ kind: 'event', id: `e${cell}`, event: { kind: 'custom', type: 't', payload: cell } }, body)
    carrier.flush()
  }
  return { server, heard, outcome, send, stop, failures: () => failures }
}

describe('post and long-poll', () => {
  test('begins with hello, then carries messages both ways in order', async () => {
    const { server, heard, send } = openCarrier()
    send(1)
    send(2)
    await expect.poll(() => server.messages).toHaveLength(3)
    expect(server.messages.map(({ kind, id }) => id ?? kind)).toEqual(['hello', 'e1', 'e2'])
    server.push({ kind: 'welcome' })
    server.push({ kind: 'ping' })
    await expect.poll(() => heard).toEqual([{ kind: 'welcome' }, { kind: 'ping' }])
    await expect.poll(() => server.lastAfter).toBe(2)
  })

  test('asks again under the same number when an answer is lost, so that nothing is said twice', async () => {
    const { server, send, failures } = openCarrier()
    await expect.poll(() => server.messages).toHaveLength(1)
    server.losePosts = 1
    send(1)
    await expect.poll(() => server.posts.map(({ sequence }) => sequence)).toEqual([1, 2, 2])
    send(2)
    await expect.poll(() => server.messages.map(({ id }) => id)).toEqual([undefined, 'e1', 'e2'])
    expect(failures()).toBe(1)
  })

  test('never posts more at once than the notebook carries', async () => {
    const part = 512 << 10
    const { server, send } = openCarrier(part)
    send(1, new Uint8Array(2_000_000))
    send(2)
    await expect.poll(() => server.messages).toHaveLength(3)
    expect(server.messages[1]).toMatchObject({ id: 'e1', length: 2_000_000 })
    expect(Math.max(...server.posts.map(({ bytes: length }) => length))).toBeLessThanOrEqual(part)
  })

  test('carries whatever is said at once, whole and in order, at every border of a post', async () => {
    const part = 128 << 10
    const sizes = around(part - (64 << 10), part - 200, part, 2 * part)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 8 }), async (said) => {
        const { server, send, stop } = openCarrier(part)
        for (const [i, size] of said.entries()) send(i, pattern(size))
        await expect.poll(() => server.messages).toHaveLength(said.length + 1)
        expect(server.messages.slice(1).map(({ length }) => length)).toEqual(said)
        expect(server.messages.slice(1).map(({ id }) => id)).toEqual(said.map((_, i) => `e${i}`))
        expect(Math.max(...server.posts.map(({ bytes: length }) => length))).toBeLessThanOrEqual(part)
        await stop()
      }),
      { seed: 31, numRuns: 20 },
    )
  })

  test('ends when the server does not know the page any more', async () => {
    const { server, outcome, send } = openCarrier()
    await expect.poll(() => server.messages).toHaveLength(1)
    server.refusal = refused('bad_key', 'x')
    send(1)
    expect(await outcome).toMatchObject({ kind: 'keyDied' })
  })

  test('waits where the server has too much to do', async () => {
    const { server, send } = openCarrier()
    await expect.poll(() => server.messages).toHaveLength(1)
    server.refusal = refused('overloaded', 'x')
    send(1)
    await expect.poll(() => server.posts.length).toBe(1)
    server.refusal = null
    await expect.poll(() => server.messages).toHaveLength(2)
  })
})
