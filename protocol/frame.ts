import { ProtocolError } from './errors.ts'
import { parseJsonHeader } from './json-header.ts'

/**
 * The one message frame of pipe, WebSocket and long-poll:
 * `u32` header length, JSON header (UTF-8, padded with spaces so that the body starts at a multiple of 8), body.
 * On a byte stream (pipe, long-poll, posted events) each frame is preceded by a `u32` with its length. Little endian.
 */
export type Frame = { header: Record<string, unknown>; body: Uint8Array }
export type FramePieces = [head: Uint8Array, body: Uint8Array]

/** A whole frame, without the stream's length before it. */
export const MAX_FRAME_BYTES = 1 << 20
/** What is put together from the parts of one body. */
export const MAX_BODY_BYTES = 256 << 20
/** Room for the header in a frame that carries a part of a body; larger headers make smaller parts. */
const MIN_PART_BYTES = 64 << 10

const encoder = new TextEncoder()

/** Encode one frame. @throws ProtocolError `too_large` past MAX_FRAME_BYTES */
export function encodeFrame(header: object, body: Uint8Array = new Uint8Array()): Uint8Array {
  return joined([frameHead(header, body.length, MAX_FRAME_BYTES), body])
}

/** All of a frame but its body. */
function frameHead(header: object, bodyBytes: number, maxFrameBytes: number): Uint8Array {
  const json = encoder.encode(JSON.stringify(header))
  const headerLength = padded(json.length)
  const length = 4 + headerLength + bodyBytes
  if (length > maxFrameBytes)
    throw new ProtocolError('too_large', `A frame of ${length} bytes; at most ${maxFrameBytes}.`)
  const head = new Uint8Array(4 + headerLength).fill(0x20)
  new DataView(head.buffer).setUint32(0, headerLength, true)
  head.set(json, 4)
  return head
}

function joined([head, body]: FramePieces): Uint8Array {
  const frame = new Uint8Array(head.length + body.length)
  frame.set(head)
  frame.set(body, head.length)
  return frame
}

/**
 * Decode one frame.
 * @param bytes one whole frame; `body` of the result is a view on it
 * @throws ProtocolError `bad_frame` when the lengths or the JSON do not hold
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < 4) throw badFrame(`${bytes.length} bytes`)
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  if (headerLength > bytes.length - 4) throw badFrame(`a header of ${headerLength} in ${bytes.length} bytes`)
  return {
    header: parseJsonHeader(bytes.subarray(4, 4 + headerLength), badFrame),
    body: bytes.subarray(4 + headerLength),
  }
}

/**
 * Cut a message into frames. A body that fits travels in one frame; a longer one has
 * `"body": {"stream": S, "length": L}` in the first header and goes on in frames headed `{"stream": S, "offset": O}`.
 * Frames of different streams may interleave; those of one stream keep their order.
 * @param stream unique among the messages under way in this direction
 * @param maxFrameBytes for a carrier that takes less at once; more than twice MIN_PART_BYTES
 */
export function* encodeMessage(
  header: object,
  body: Uint8Array,
  stream: number,
  maxFrameBytes = MAX_FRAME_BYTES,
): Generator<Uint8Array> {
  for (const pieces of cutMessage(header, body, stream, maxFrameBytes)) yield joined(pieces)
}

/** The same, each frame as its head and a view on `body`: for a carrier that writes them one after the other. */
export function* cutMessage(
  header: object,
  body: Uint8Array,
  stream: number,
  maxFrameBytes = MAX_FRAME_BYTES,
): Generator<FramePieces> {
  const headerBytes = encoder.encode(JSON.stringify(header)).length
  const pieces = (head: object, part: Uint8Array): FramePieces => [frameHead(head, part.length, maxFrameBytes), part]
  if (4 + padded(headerBytes) + body.length <= maxFrameBytes) {
    yield pieces(header, body)
    return
  }
  if (body.length > MAX_BODY_BYTES) {
    throw new ProtocolError('too_large', `A message of ${body.length} bytes; at most ${MAX_BODY_BYTES}.`)
  }
  const partBytes = maxFrameBytes - MIN_PART_BYTES
  const firstBytes = Math.max(0, partBytes - headerBytes)
  yield pieces({ ...header, body: { stream, length: body.length } }, body.subarray(0, firstBytes))
  for (let offset = firstBytes; offset < body.length; offset += partBytes) {
    yield pieces({ stream, offset }, body.subarray(offset, offset + partBytes))
  }
}

type Partial = { header: Record<string, unknown>; body: Uint8Array; filled: number }

/** Puts messages together from frames. Bounded: `maxPending` bodies under way, each at most MAX_BODY_BYTES. */
export class FrameAssembler {
  readonly #pending = new Map<number, Partial>()
  readonly #maxPending: number
  constructor(maxPending = 64) {
    this.#maxPending = maxPending
  }

  /** Take one frame; the whole message once its last part is here, else `null`. @throws ProtocolError `bad_frame` */
  push(bytes: Uint8Array): Frame | null {
    const frame = decodeFrame(bytes)
    const { body: split, stream, offset, ...rest } = frame.header
    if (isSplit(split)) return this.#begin({ ...frame, header: rest }, split)
    if (typeof stream === 'number' && typeof offset === 'number') return this.#continue(stream, offset, frame.body)
    return frame
  }

  #begin(frame: Frame, split: { stream: number; length: number }): Frame | null {
    if (split.length > MAX_BODY_BYTES || frame.body.length > split.length)
      throw badFrame(`a body of ${split.length} bytes`)
    if (this.#pending.size >= this.#maxPending) throw badFrame('too many bodies under way')
    const body = new Uint8Array(split.length)
    body.set(frame.body)
    return this.#settle(split.stream, { header: frame.header, body, filled: frame.body.length })
  }

  #continue(stream: number, offset: number, part: Uint8Array): Frame | null {
    const partial = this.#pending.get(stream)
    if (partial === undefined || partial.filled !== offset || offset + part.length > partial.body.length) {
      throw badFrame(`a part at ${offset} that fits no body`)
    }
    partial.body.set(part, offset)
    partial.filled += part.length
    return this.#settle(stream, partial)
  }

  #settle(stream: number, partial: Partial): Frame | null {
    if (partial.filled < partial.body.length) {
      this.#pending.set(stream, partial)
      return null
    }
    this.#pending.delete(stream)
    return { header: partial.header, body: partial.body }
  }
}

/**
 * The frames of a whole piece of a stream (`u32` length, frame, …), as views on it.
 * @throws ProtocolError `bad_frame` on an impossible length, and when the last one is cut
 */
export function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Uint8Array[] = []
  let offset = 0
  while (offset < bytes.length) {
    const length = offset + 4 > bytes.length ? Number.NaN : view.getUint32(offset, true)
    offset += 4
    if (!(length >= 4 && length <= Math.min(MAX_FRAME_BYTES, bytes.length - offset)))
      throw badFrame('a frame that is cut')
    frames.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return frames
}

/** Join frames into the bytes of a stream: each with its `u32` length before it. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  const total = frames.reduce((sum, frame) => sum + 4 + frame.length, 0)
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const frame of frames) {
    view.setUint32(offset, frame.length, true)
    bytes.set(frame, offset + 4)
    offset += 4 + frame.length
  }
  return bytes
}

/** The header's length with its padding: 4 + padded is a multiple of 8. */
function padded(jsonBytes: number): number {
  return Math.ceil((jsonBytes + 4) / 8) * 8 - 4
}

function isSplit(value: unknown): value is { stream: number; length: number } {
  if (typeof value !== 'object' || value === null) return false
  const { stream, length } = value as Record<string, unknown> // an object was just checked
  return Number.isSafeInteger(stream) && Number.isSafeInteger(length) && (length as number) >= 0
}

export function badFrame(found: string, cause?: unknown): ProtocolError<'bad_frame'> {
  return new ProtocolError('bad_frame', `The connection carried ${found} where a message was expected.`, { cause })
}
