import * as v from 'valibot'
import { CHANNEL_LIMITS, pollHeadSchema } from '../../protocol/channel.ts'
import { delay } from '../../protocol/delay.ts'
import { decodeFrame, joinFrames, MAX_FRAME_BYTES, splitFrames } from '../../protocol/frame.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { Backoff } from './backoff.ts'
import type { Outgoing } from './outgoing-messages.ts'
import { failureOfAnswer, isPassing, ServerFailure } from './server-failure.ts'
import type { Transport } from './transport.ts'

export type PollHandlers = {
  /** A poll was answered: the other end is there. */
  answered(): void
  /** A request brought nothing; it is tried again. */
  failed(error: ServerFailure): void
  frame(bytes: Uint8Array): void
}

/** The server answers a poll by then; a proxy that swallowed it is not waited for longer. */
const POLL_TIMEOUT_MS = CHANNEL_LIMITS.longPollMs + 10_000
const POST_TIMEOUT_MS = 30_000
/** Gathers what comes in a burst into one request. */
const GATHER_MS = 15

/**
 * The channel as post and long-poll, for the tunnel. Sequence numbers and cursor live
 * as long as the page key, so a request whose answer was lost is simply asked again.
 */
export class PollCarrier {
  readonly #transport: Transport
  readonly #outgoing: Outgoing
  readonly #handlers: PollHandlers
  #cursor = 0
  #sequence = 0
  #wake = Promise.withResolvers<void>()

  constructor(transport: Transport, outgoing: Outgoing, handlers: PollHandlers) {
    this.#transport = transport
    this.#outgoing = outgoing
    this.#handlers = handlers
    outgoing.limitFrames(this.#batchBytes - 4)
  }

  get #batchBytes(): number {
    return Math.min(this.#transport.partBytes ?? MAX_FRAME_BYTES, MAX_FRAME_BYTES)
  }

  /** There is something to send. */
  flush(): void {
    this.#wake.resolve()
  }

  /** Runs until the signal aborts or the server refuses; rejects with the reason. */
  async run(hello: readonly Uint8Array[], signal: AbortSignal): Promise<never> {
    await this.#post(hello, signal)
    const either = new AbortController()
    const both = AbortSignal.any([signal, either.signal])
    try {
      return await Promise.race([this.#runPosts(both), this.#runPolls(both)])
    } finally {
      either.abort()
    }
  }

  async #runPosts(signal: AbortSignal): Promise<never> {
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true })
    for (;;) {
      if (this.#outgoing.isEmpty) {
        this.#wake = Promise.withResolvers()
        await this.#wake.promise
      }
      await delay(GATHER_MS, signal)
      const frames = this.#outgoing.takeUpTo(this.#batchBytes)
      if (frames.length > 0) await this.#post(frames, signal)
    }
  }

  /** One batch, asked again under the same number until it is answered. */
  async #post(frames: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const path = `${ROUTES.events}?sequence=${++this.#sequence}`
    const headers = { 'content-type': 'application/octet-stream' }
    const body = joinFrames(frames)
    await this.#untilAnswered(
      (stop) => this.#transport.call({ method: 'POST', path, headers, body, signal: stop }),
      POST_TIMEOUT_MS,
      signal,
    )
  }

  async #runPolls(signal: AbortSignal): Promise<never> {
    for (;;) {
      const body = await this.#untilAnswered(
        (stop) => {
          const path = `${ROUTES.commands}?after=${this.#cursor}`
          return this.#transport.call({ method: 'GET', path, headers: {}, signal: stop })
        },
        POLL_TIMEOUT_MS,
        signal,
      )
      this.#take(body)
      this.#handlers.answered()
    }
  }

  #take(body: Uint8Array): void {
    const [head, ...frames] = splitFrames(body)
    if (head === undefined) throw new ServerFailure('gone', 'A proxy cut the connection. Reload the notebook page.')
    const { cursor } = v.parse(pollHeadSchema, decodeFrame(head).header)
    for (const frame of frames) this.#handlers.frame(frame)
    this.#cursor = cursor
  }

  async #untilAnswered(
    ask: (signal: AbortSignal) => ReturnType<Transport['call']>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const backoff = new Backoff()
    for (;;) {
      try {
        const answer = await ask(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
        if (answer.status === 200) return answer.body
        throw failureOfAnswer(answer)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof ServerFailure && isFinal(error)) throw error
        const failure = error instanceof ServerFailure ? error : new ServerFailure('network', SILENT, { cause: error })
        this.#handlers.failed(failure)
      }
      await backoff.wait(signal)
    }
  }
}

const SILENT = 'The viewer’s server does not answer. It is asked again.'

/** A refusal stays one however often it is asked again, but for the codes that name a passing state. */
function isFinal(failure: ServerFailure): boolean {
  return failure.kind === 'keyDied' || (failure.kind === 'refused' && !isPassing(failure))
}
