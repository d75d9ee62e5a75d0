import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeMessage, joinFrames, MAX_FRAME_BYTES } from '../../../protocol/frame.ts'
import { MessageReader } from '../../../server/kernel/message-reader.ts'

const body = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255)

test('messages arrive whole however the stream is cut, also when all pieces come in the same memory', () => {
  const bodies = [0, 1, 70_000, MAX_FRAME_BYTES, 3 * MAX_FRAME_BYTES + 5].map(body)
  const frames = bodies.flatMap((each, i) => [...encodeMessage({ id: i }, each, i + 1)])
  const stream = joinFrames(frames)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1 << 20 }), { minLength: 1, maxLength: 8 }), (lengths) => {
      const memory = new Uint8Array(1 << 20)
      const reader = new MessageReader()
      const messages = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const piece = stream.subarray(at, at + Math.max(lengths[turn % lengths.length] ?? 1, 4096))
        memory.set(piece)
        messages.push(...reader.push(memory.subarray(0, piece.length)))
        at += piece.length
      }
      memory.fill(0)
      expect(messages.map(({ header }) => header)).toEqual(bodies.map((_, id) => ({ id })))
      expect(messages.every((message, i) => Buffer.compare(message.body, bodies[i] ?? memory) === 0)).toBe(true)
    }),
    { numRuns: 30, seed: 3 },
  )
})

test('of a stream by single bytes too', () => {
  const stream = joinFrames([...encodeMessage({ id: 1 }, body(9, 1), 1), ...encodeMessage({ id: 2 }, body(0, 1), 2)])
  const reader = new MessageReader()
  const messages = [...stream].flatMap((byte) => reader.push(Uint8Array.of(byte)))
  expect(messages).toEqual([
    { header: { id: 1 }, body: body(9, 1) },
    { header: { id: 2 }, body: body(0, 1) },
  ])
})

test.each([0, 3, MAX_FRAME_BYTES + 1])('a frame of %i bytes is refused before it is there', (length) => {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, length, true)
  expect(() => new MessageReader().push(head)).toThrowError(/expected/)
})
