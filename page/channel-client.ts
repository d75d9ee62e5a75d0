import * as v from 'valibot'
import { decodeCells, encodeCells } from '../protocol/cells.ts'
import {
  CLOSE_CODES,
  type PageMessage,
  type ServerMessage,
  type Sorting,
  serverMessageSchema,
} from '../protocol/channel.ts'
import { type Command, commandSchema } from '../protocol/commands.ts'
import type { ViewerEvent } from '../protocol/events.ts'
import { encodeFrame, FrameAssembler } from '../protocol/frame.ts'
import type { PageKey, ViewerId } from '../protocol/probe.ts'
import type { PageState } from '../protocol/state.ts'
import { KEY_HEADER } from '../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { Backoff } from './backoff.ts'
import { PollCarrier } from './channel-poll.ts'
import { runSocket } from './channel-socket.ts'
import { ServerFailure, sentenceOf } from './failure.ts'
import { Outgoing, type Sendable } from './outgoing.ts'
import type { Transport } from './transport.ts'

export type Welcome = Extract<ServerMessage, { kind: 'welcome' }>
export type KernelStatus = Extract<ServerMessage, { kind: 'kernel' }>['status']
export type CommandOutcome = { ok: true } | { ok: false; reason: string }

export type ChannelHandlers = {
  /** Of the first connection: where the page starts. Later ones only resume. */
  welcome(welcome: Welcome): void
  cellSet(name: string, cells: Uint32Array): void
  /** Apply once. `cells` is what the command's head spoke of, `null` where it has none: then `body` is as it came. */
  command(command: Command, cells: Uint32Array | null, body: Uint8Array): Promise<CommandOutcome>
  kernel(status: KernelStatus): void
  sorting(sorting: Sorting): void
  /** The channel stands, or does not for now. */
  connected(isConnected: boolean): void
  /** It will not come back by itself; `reason` is a sentence. */
  lost(reason: string): void
}

export type ChannelOptions = {
  viewerId: ViewerId
  pageKey: PageKey
  transport: Transport
  /** `null`: no WebSocket from here, as in the tunnel. */
  socketUrl: string | null
  handlers: ChannelHandlers
  signal: AbortSignal
}

/** So long without a connection, the widget looks for the server anew. */
const LOST_AFTER_MS = 15_000
/** Command numbers remembered so that a repeated one is not applied twice. */
const MAX_REMEMBERED = 4_096
/** Events sent on a connection that then broke are sent again under their ids: at most these many. */
const MAX_RESENT = 64

/**
 * Commands and events between this page and the kernel, by way of the server. Over a WebSocket; where none can be had,
 * as post and long-poll. Comes back by itself and says so; nothing that was sent while it was away is lost.
 */
export class ChannelClient {
  readonly #options: ChannelOptions
  readonly #outgoing = new Outgoing()
  /** Sent on the present connection, and perhaps not arrived when it breaks. */
  #unsure: Sendable[] = []
  /** Those of them that were already unsure at the last ping. */
  #old: ReadonlySet<Sendable> = new Set()
  #deliver: (() => void) | null = null
  #assembler = new FrameAssembler()
  #instanceId: string | null = null
  #connected = false
  #isWelcomed = false
  #lostTimer: ReturnType<typeof setTimeout> | undefined
  readonly #applied = new Set<number>()
  #lastCommandSeq = 0
  #nextEvent = 1
  readonly #eventPrefix = crypto.getRandomValues(new Uint32Array(2)).join('-')
  /** Messages that no schema knew: counted and dropped. */
  dropped = 0

  constructor(options: ChannelOptions) {
    this.#options = options
  }

  /** Runs until the signal aborts or the server refuses this page for good. */
  async run(): Promise<void> {
    const { signal, handlers, socketUrl } = this.#options
    this.#watchForLoss()
    signal.addEventListener('abort', () => clearTimeout(this.#lostTimer), { once: true })
    try {
      if (socketUrl !== null) await this.#runSocket(socketUrl)
      await this.#runPoll()
    } catch (error) {
      this.#deliver = null
      clearTimeout(this.#lostTimer)
      if (signal.aborted) return
      this.#setConnected(false)
      clearTimeout(this.#lostTimer)
      handlers.lost(sentenceOf(error))
    }
  }

  event(event: ViewerEvent, body: Uint8Array = new Uint8Array()): void {
    this.#send({ kind: 'event', id: `${this.#eventPrefix}-${this.#nextEvent++}`, event }, body)
  }

  /** @param cells ascending and unique; `cellCount` cells in the dataset */
  selection(cells: Uint32Array, cellCount: number, source: string): void {
    const { head, body } = encodeCells(cells, cellCount)
    this.event({ kind: 'selection', cells: head, source }, body)
  }

  cellSet(name: string, cells: Uint32Array, cellCount: number): void {
    const { head, body } = encodeCells(cells, cellCount)
    this.#send({ kind: 'cellSet', name, cells: head }, body)
  }

  state(state: PageState): void {
    this.#send({ kind: 'state', state })
  }

  /** The user touched this page. */
  touched(): void {
    this.#send({ kind: 'touched' })
  }

  #send(message: PageMessage, body: Uint8Array = new Uint8Array()): void {
    this.#outgoing.push(message, body)
    this.#deliver?.()
  }

  /** Returns when a WebSocket was never welcomed here, so that another way is tried. */
  async #runSocket(url: string): Promise<void> {
    const backoff = new Backoff()
    for (let wasWelcomed = false; ; ) {
      this.#beginConnection()
      const end = await runSocket(
        url,
        {
          opened: (send) => {
            send([this.#hello()])
            this.#deliver = () => this.#deliverAll(send)
          },
          frame: (bytes) => {
            this.#receive(bytes)
            if (!this.#isWelcomed) return
            wasWelcomed = true
            backoff.reset()
          },
        },
        this.#options.signal,
      )
      this.#endConnection()
      if (end.error instanceof ServerFailure) throw end.error
      if (end.code === CLOSE_CODES.unknownKey) throw new ServerFailure('keyDied', ENDED)
      if (end.code === CLOSE_CODES.protocolError) throw new ServerFailure('refused', OLDER)
      await backoff.wait(this.#options.signal)
      if (!wasWelcomed) return
    }
  }

  #deliverAll(send: (frames: readonly Uint8Array[]) => void): void {
    if (!this.#isWelcomed) return
    const messages = this.#outgoing.takeAll()
    for (const { frames } of messages) send(frames)
    this.#unsure = [...this.#unsure, ...messages.filter(({ kind }) => !NOT_RESENT.has(kind))].slice(-MAX_RESENT)
  }

  /** Ends only by throwing: a poll that fails is asked again. */
  async #runPoll(): Promise<never> {
    this.#beginConnection()
    const { transport, pageKey, signal } = this.#options
    const carrier = new PollCarrier(transport, { [KEY_HEADER]: pageKey }, this.#outgoing, {
      answered: () => this.#setConnected(true),
      failed: () => this.#setConnected(false),
      frame: (bytes) => this.#receive(bytes),
    })
    this.#deliver = () => carrier.flush()
    return await carrier.run([this.#hello()], signal)
  }

  #hello(): Uint8Array {
    const { viewerId, pageKey } = this.#options
    const lastCommandSeq = this.#lastCommandSeq
    const hello: PageMessage = { kind: 'hello', viewerId, pageKey, protocol: PROTOCOL_VERSION, lastCommandSeq }
    return encodeFrame(hello)
  }

  #beginConnection(): void {
    this.#assembler = new FrameAssembler()
    this.#isWelcomed = false
  }

  #endConnection(): void {
    this.#deliver = null
    this.#outgoing.putBack(this.#unsure)
    this.#unsure = []
    this.#setConnected(false)
  }

  #setConnected(isConnected: boolean): void {
    if (isConnected === this.#connected) return
    this.#connected = isConnected
    if (isConnected) clearTimeout(this.#lostTimer)
    else this.#watchForLoss()
    this.#options.handlers.connected(isConnected)
  }

  #watchForLoss(): void {
    this.#lostTimer = setTimeout(() => {
      // The first try is still under way, or the channel broke: either is worth a sentence now.
      this.#options.handlers.connected(false)
      this.#options.handlers.lost(UNREACHABLE)
    }, LOST_AFTER_MS)
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#assembler.push(bytes)
    if (frame === null) return
    const parsed = v.safeParse(serverMessageSchema, frame.header)
    if (parsed.success) this.#take(parsed.output, frame.body)
    else this.#refuseUnknown(frame.header)
  }

  #take(message: ServerMessage, body: Uint8Array): void {
    const { handlers } = this.#options
    switch (message.kind) {
      case 'welcome':
        this.#takeWelcome(message)
        break
      case 'cellSet':
        handlers.cellSet(message.name, decodeCells(message.cells, body))
        break
      case 'command':
        void this.#apply(message.seq, message.command, body)
        break
      case 'kernel':
        handlers.kernel(message.status)
        break
      case 'sorting':
        handlers.sorting(message)
        break
      case 'ping':
        // What was sent before the last ping has arrived: the server reads in order and still lives.
        this.#unsure = this.#unsure.filter((message) => !this.#old.has(message))
        this.#old = new Set(this.#unsure)
        this.#send({ kind: 'pong' })
        break
    }
  }

  #takeWelcome(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL_VERSION) throw new ServerFailure('refused', OLDER)
    const isFirst = this.#instanceId === null
    this.#instanceId = welcome.instanceId
    this.#isWelcomed = true
    this.#setConnected(true)
    if (isFirst) this.#options.handlers.welcome(welcome)
    this.#deliver?.()
  }

  async #apply(seq: number, command: Command, body: Uint8Array): Promise<void> {
    if (this.#applied.has(seq)) return
    this.#remember(seq)
    const outcome = await this.#outcome(command, body)
    this.#send({ kind: 'ack', seq, ...outcome })
  }

  async #outcome(command: Command, body: Uint8Array): Promise<CommandOutcome> {
    try {
      const head = 'cells' in command ? command.cells : null
      return await this.#options.handlers.command(command, head === null ? null : decodeCells(head, body), body)
    } catch (error) {
      return { ok: false, reason: sentenceOf(error) }
    }
  }

  /** A newer server's message is dropped; a command is answered all the same, or the kernel would wait for it. */
  #refuseUnknown(header: Record<string, unknown>): void {
    this.dropped++
    const { kind, seq, command } = header
    if (kind !== 'command' || typeof seq !== 'number' || v.is(commandSchema, command)) return
    this.#remember(seq)
    this.#send({
      kind: 'ack',
      seq,
      ok: false,
      reason: 'This page is older than the command. Reload the notebook page.',
    })
  }

  #remember(seq: number): void {
    this.#applied.add(seq)
    this.#lastCommandSeq = Math.max(this.#lastCommandSeq, seq)
    if (this.#applied.size <= MAX_REMEMBERED) return
    for (const oldest of this.#applied) {
      this.#applied.delete(oldest)
      break
    }
  }
}

/** What is said anew anyway. */
const NOT_RESENT: ReadonlySet<string> = new Set(['event/hover', 'pong', 'touched'])

const ENDED = 'This view has been closed. Run the cell or the command again.'
const OLDER = 'The page is older than the server: reload the notebook page.'
const UNREACHABLE =
  'The viewer cannot reach its server any more. Run the cell or the command again if it does not come back.'
