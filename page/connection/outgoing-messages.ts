import type { PageMessage } from '../../protocol/channel.ts'
import { encodeMessage, MAX_FRAME_BYTES } from '../../protocol/frame.ts'

/** One message as frames; `kind` says what it may be dropped or replaced for. */
export type Sendable = { kind: string; frames: Uint8Array[] }

/** Past it the oldest message that may be lost is dropped; selections and acknowledgements never are. */
const MAX_WAITING = 1_000

/** What waits to be sent over the channel, in order. Of hover events and states only the latest waits. */
export class Outgoing {
  readonly #waiting: Sendable[] = []
  #frameBytes = MAX_FRAME_BYTES
  #nextStream = 1

  /** Frames made from now on are at most this long, for a carrier that takes no more at once. */
  limitFrames(bytes: number): void {
    this.#frameBytes = Math.min(bytes, MAX_FRAME_BYTES)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  push(message: PageMessage, body: Uint8Array): void {
    const kind = message.kind === 'event' ? `event/${message.event.kind}` : message.kind
    const frames = [...encodeMessage(message, body, this.#nextStream++, this.#frameBytes)]
    const earlier = LATEST_ONLY.has(kind) ? this.#waiting.find((waiting) => waiting.kind === kind) : undefined
    // In the place of the earlier one: a state must not fall behind the acknowledgement of what it holds.
    if (earlier !== undefined) earlier.frames = frames
    else this.#waiting.push({ kind, frames })
    if (this.#waiting.length > MAX_WAITING) this.#dropOldest()
  }

  /** Take all waiting messages. */
  takeAll(): Sendable[] {
    return this.#waiting.splice(0)
  }

  /** Messages that were taken and perhaps did not arrive go before all others again. */
  putBack(messages: readonly Sendable[]): void {
    this.#waiting.unshift(...messages)
  }

  /** Take frames that together, each with its length before it, are at most `maxBytes`; at least one if any waits. */
  takeUpTo(maxBytes: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let room = maxBytes
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      while (message.frames[0] !== undefined && (taken.length === 0 || message.frames[0].length + 4 <= room)) {
        room -= message.frames[0].length + 4
        taken.push(message.frames[0])
        message.frames.shift()
      }
      if (message.frames.length > 0) break
      this.#waiting.shift()
    }
    return taken
  }

  #dropOldest(): void {
    const at = this.#waiting.findIndex(({ kind }) => !NEVER_DROPPED.has(kind))
    if (at >= 0) this.#waiting.splice(at, 1)
  }
}

const LATEST_ONLY: ReadonlySet<string> = new Set(['event/hover', 'state', 'touched', 'pong'])
const NEVER_DROPPED: ReadonlySet<string> = new Set(['event/selection', 'ack', 'state', 'cellSet'])
