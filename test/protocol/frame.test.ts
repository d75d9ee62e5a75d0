import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  decodeFrame,
  encodeFrame,
  encodeMessage,
  FrameAssembler,
  joinFrames,
  MAX_FRAME_BYTES,
  splitFrames,
} from '../../protocol/frame.ts'
import { fromHex, misaligned, readBytes, readJson } from './fixtures.ts'

type Golden = {
  messages: { header: object; body: string }[]
  large: { header: object; bodyBytes: number; stream: number; frames: number; sha256: string }[]
}
const golden = readJson<Golden>('frames')
const stream = readBytes('frames')

describe('frames as Python writes them', () => {
  test('are read one by one from the bytes of a stream', () => {
    const assembler = new FrameAssembler()
    const messages = splitFrames(misaligned(stream)).flatMap((frame) => assembler.push(frame) ?? [])
    expect(messages.map(({ header }) => header)).toEqual(golden.messages.map(({ header }) => header))
    expect(messages.map(({ body }) => [...body])).toEqual(golden.messages.map(({ body }) => [...fromHex(body)]))
  })

  test('are written byte for byte the same', () => {
    const frames = golden.messages.flatMap(({ header, body }) => [...encodeMessage(header, fromHex(body), 1)])
    expect(joinFrames(frames)).toEqual(stream)
  })

  test('are cut into the same parts when they are large', () => {
    for (const { header, bodyBytes, stream: number, frames, sha256 } of golden.large) {
      const parts = [...encodeMessage(header, pattern(bodyBytes), number)]
      expect(parts.length).toBe(frames)
      expect(createHash('sha256').update(joinFrames(parts)).digest('hex')).toBe(sha256)
    }
  })

  test('start their body at a multiple of 8', () => {
    for (const { header, body } of golden.messages) {
      const frame = encodeFrame(header, fromHex(body))
      expect(decodeFrame(frame).body.byteOffset % 8).toBe(0)
    }
  })
})

describe('parts of large bodies', () => {
  const body = pattern(2_500_001)

  test('may interleave with other messages', () => {
    const assembler = new FrameAssembler()
    const first = [...encodeMessage({ kind: 'a' }, body, 1)]
    const second = [...encodeMessage({ kind: 'b' }, body.subarray(5), 2)]
    const done = []
    for (const [i, frame] of first.entries()) {
      done.push(assembler.push(frame), assembler.push(encodeFrame({ kind: 'small' })))
      done.push(assembler.push(second[i] ?? new Uint8Array()))
    }
    const messages = done.filter((message) => message !== null)
    expect(messages.map(({ header }) => header.kind)).toEqual(['small', 'small', 'a', 'small', 'b'])
    expect(messages[2]?.body).toEqual(body)
  })

  test('that are out of order, too long or of no message are refused', () => {
    const [head, part] = [...encodeMessage({ kind: 'a' }, body, 1)]
    const assembler = new FrameAssembler()
    expect(() => assembler.push(part ?? head ?? body)).toThrowError(/fits no body/)
    assembler.push(head ?? body)
    expect(() => assembler.push(encodeFrame({ stream: 1, offset: 3 }, body.subarray(0, 9)))).toThrowError(
      /fits no body/,
    )
    expect(() => assembler.push(encodeFrame({ body: { stream: 2, length: 2 ** 40 } }))).toThrowError(/expected/)
  })

  test('are bounded in number', () => {
    const assembler = new FrameAssembler(2)
    const open = (number: number) => encodeFrame({ body: { stream: number, length: 9 } })
    expect(assembler.push(open(1))).toBeNull()
    expect(assembler.push(open(2))).toBeNull()
    expect(() => assembler.push(open(3))).toThrowError(/too many/)
  })
})

test('what is no frame is refused', () => {
  expect(() => decodeFrame(new Uint8Array(3))).toThrowError(/expected/)
  expect(() => decodeFrame(Uint8Array.of(255, 0, 0, 0, 1))).toThrowError(/expected/)
  expect(() => decodeFrame(misaligned(Uint8Array.of(4, 0, 0, 0, 0x5b, 0x5d, 0x20, 0x20)))).toThrowError(/no object/)
  expect(() => decodeFrame(Uint8Array.of(4, 0, 0, 0, 1, 2, 3, 4))).toThrowError(/not JSON/)
  expect(() => encodeFrame({}, new Uint8Array(MAX_FRAME_BYTES))).toThrowError(/at most/)
  for (const cut of [1, 4, stream.length - 1]) {
    expect(() => splitFrames(stream.subarray(0, cut))).toThrowError(/a frame that is cut/)
  }
  expect(() => splitFrames(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0))).toThrowError(/expected/)
})

/** As `pattern` of scripts/fixtures.py. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 251)) & 255)
}
