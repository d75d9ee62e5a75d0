import { badFrame, type Frame, FrameAssembler, MAX_FRAME_BYTES } from '../../protocol/frame.ts'

/** A `u32` before each frame. */
const LENGTH_BYTES = 4
const MIN_FRAME_BYTES = 4

/**
 * Puts messages together from the pieces of a byte stream (`u32` length, frame, …). A piece is only good until `push`
 * returns: whoever reads fills the same memory again, since new memory costs more than to copy what is in it.
 */
export class MessageReader {
  readonly #assembler = new FrameAssembler()
  /** What there is of a frame that comes in several pieces, its length before it. */
  readonly #gathered = new Uint8Array(LENGTH_BYTES + MAX_FRAME_BYTES)
  #filled = 0

  /** Take the next bytes; the messages that are whole now. @throws ProtocolError `bad_frame` */
  push(piece: Uint8Array): Frame[] {
    const messages: Frame[] = []
    let rest = piece
    while (rest.length > 0) {
      const { frame, taken } = this.#next(rest)
      rest = rest.subarray(taken)
      const message = frame === null ? null : this.#assembler.push(frame)
      if (message === null) continue
      // A body of several frames has memory of its own already.
      const isLent = message.body.buffer === frame?.buffer
      messages.push(isLent ? { ...message, body: new Uint8Array(message.body) } : message)
    }
    return messages
  }

  /** The next frame, where it lies or as it was gathered; `null` until it is whole. */
  #next(rest: Uint8Array): { frame: Uint8Array | null; taken: number } {
    const whole = this.#filled === 0 ? wholeLength(rest) : null
    if (whole !== null && whole <= rest.length) return { frame: rest.subarray(LENGTH_BYTES, whole), taken: whole }
    const wanted = wholeLength(this.#gathered.subarray(0, this.#filled)) ?? LENGTH_BYTES
    const taken = Math.min(rest.length, wanted - this.#filled)
    this.#gathered.set(rest.subarray(0, taken), this.#filled)
    this.#filled += taken
    if (this.#filled !== wholeLength(this.#gathered.subarray(0, this.#filled))) return { frame: null, taken }
    const frame = this.#gathered.subarray(LENGTH_BYTES, this.#filled)
    this.#filled = 0
    return { frame, taken }
  }
}

/** Of the frame that begins here, with the length before it; `null` where that is not there yet. */
function wholeLength(bytes: Uint8Array): number | null {
  if (bytes.length < LENGTH_BYTES) return null
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getUint32(0, true)
  if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) throw badFrame(`a frame of ${length} bytes`)
  return LENGTH_BYTES + length
}
