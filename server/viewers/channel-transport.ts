import type { WebSocket } from 'ws'
import { CHANNEL_LIMITS, type PollHead } from '../../protocol/channel.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { encodeFrame, joinFrames, MAX_FRAME_BYTES } from '../../protocol/frame.ts'
import { LIMITS } from '../process/limits.ts'

/** How frames reach one page: a socket, or the answers to its polls. */
export interface Carrier {
  readonly kind: 'socket' | 'poll'
  /** The longest frame that it carries. */
  readonly maxFrameBytes: number
  send(frames: readonly Uint8Array[]): void
  /** @param code one of CLOSE_CODES; also what polls that come later are refused with */
  close(code: number, reason: string): void
}

/** Over a WebSocket. What the socket cannot take waits here; a socket that stays full is given up. */
export class SocketCarrier implements Carrier {
  readonly kind = 'socket'
  readonly maxFrameBytes = MAX_FRAME_BYTES
  readonly #socket: WebSocket
  #waiting: Uint8Array[] = []
  #stuck: NodeJS.Timeout | undefined

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.once('close', () => clearTimeout(this.#stuck))
  }

  send(frames: readonly Uint8Array[]): void {
    this.#waiting.push(...frames)
    this.#pump()
  }

  close(code: number, reason: string): void {
    this.#waiting = []
    closeSocket(this.#socket, code, reason)
    // Who does not answer the close is cut off.
    setTimeout(() => this.#socket.terminate(), LIMITS.closeTimeoutMs).unref()
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#socket.readyState === this.#socket.OPEN) {
      if (this.#socket.bufferedAmount > CHANNEL_LIMITS.sendBufferBytes) {
        this.#stuck ??= setTimeout(() => this.#socket.terminate(), LIMITS.sendPausedMs)
        return
      }
      const frame = this.#waiting.shift()
      if (frame !== undefined) this.#socket.send(frame, { binary: true }, () => this.#pump())
    }
    clearTimeout(this.#stuck)
    this.#stuck = undefined
  }
}

/** RFC 6455: what a close frame has left for its reason. */
const MAX_REASON_BYTES = 123

/** Close with as much of the reason as a close frame takes. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  let text = reason
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1)
  socket.close(code, text)
}

/** The head of an answer to a poll, whatever its number, with its length before it. */
const MAX_HEAD_BYTES = 64

type Poll = { answer: (bytes: Uint8Array) => void }

/** As answers to long polls. A frame is kept until the page asks with a number past it. */
export class PollCarrier implements Carrier {
  readonly kind = 'poll'
  /** One fits into an answer together with the poll's head, each with its length before it. */
  readonly maxFrameBytes = LIMITS.pollAnswerBytes - MAX_HEAD_BYTES - 4
  /** Frames not yet confirmed; the first has number `#first`. */
  #frames: Uint8Array[] = []
  #first = 0
  #bytes = 0
  #poll: Poll | null = null
  #refusal: ProtocolError | null = null
  #silence: NodeJS.Timeout | undefined
  readonly #onPresence: (isPresent: boolean) => void

  /** @param onPresence false: no poll for LIMITS.pollSilentMs, the page is gone; true: it polls (again) */
  constructor(onPresence: (isPresent: boolean) => void) {
    this.#onPresence = onPresence
    this.#listen()
  }

  send(frames: readonly Uint8Array[]): void {
    this.#frames.push(...frames)
    for (const frame of frames) this.#bytes += frame.byteLength
    if (this.#bytes > LIMITS.pollQueueBytes) this.#refuse(new ProtocolError('closed', OVERFLOWN))
    else this.#answer()
  }

  close(_code: number, reason: string): void {
    this.#refuse(new ProtocolError('bad_key', reason))
  }

  /**
   * One poll: waits until there is something, a newer poll comes, or CHANNEL_LIMITS.longPollMs have passed.
   * @param after the number that the last answer gave; all before it arrived
   * @returns a stream of frames, the poll's head first
   */
  async next(after: number, signal: AbortSignal): Promise<Uint8Array> {
    this.#confirm(after)
    this.#finish()
    clearTimeout(this.#silence)
    this.#onPresence(true)
    const timer = setTimeout(() => this.#finish(), CHANNEL_LIMITS.longPollMs)
    const leave = () => this.#finish()
    signal.addEventListener('abort', leave, { once: true })
    try {
      const bytes = await new Promise<Uint8Array>((answer) => {
        this.#poll = { answer }
        this.#answer()
        if (signal.aborted) this.#finish()
      })
      if (this.#refusal !== null) throw this.#refusal
      return bytes
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      if (this.#poll === null) this.#listen()
    }
  }

  #confirm(after: number): void {
    if (this.#refusal !== null) throw this.#refusal
    if (after < this.#first || after > this.#first + this.#frames.length) {
      throw new ProtocolError('closed', 'This page asks for messages that are gone. Reload the notebook page.')
    }
    for (const frame of this.#frames.splice(0, after - this.#first)) this.#bytes -= frame.byteLength
    this.#first = after
  }

  /** Answer the waiting poll if there is something for it. */
  #answer(): void {
    if (this.#poll !== null && this.#frames.length > 0) this.#finish()
  }

  #finish(): void {
    const poll = this.#poll
    this.#poll = null
    poll?.answer(this.#batch())
  }

  #batch(): Uint8Array {
    const frames: Uint8Array[] = []
    let bytes = MAX_HEAD_BYTES
    for (const frame of this.#frames) {
      bytes += frame.byteLength + 4
      if (frames.length > 0 && bytes > LIMITS.pollAnswerBytes) break
      frames.push(frame)
    }
    const head: PollHead = { kind: 'poll', cursor: this.#first + frames.length }
    return joinFrames([encodeFrame(head), ...frames])
  }

  #refuse(refusal: ProtocolError): void {
    clearTimeout(this.#silence)
    this.#refusal = refusal
    this.#frames = []
    this.#finish()
  }

  #listen(): void {
    clearTimeout(this.#silence)
    if (this.#refusal === null) this.#silence = setTimeout(this.#onPresence, LIMITS.pollSilentMs, false)
  }
}

const OVERFLOWN = 'This page did not fetch its messages for too long. Reload the notebook page.'
