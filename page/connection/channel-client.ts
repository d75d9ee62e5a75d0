import * as v from 'valibot'
import { decodeCells, encodeCells } from '../../protocol/cells.ts'
import {
  CLOSE_CODES,
  type KernelStatus,
  type PageMessage,
  type ServerMessage,
  type Sorting,
  serverMessageSchema,
} from '../../protocol/channel.ts'
import { type Command, commandSchema } from '../../protocol/commands.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import { encodeFrame, type Frame, FrameAssembler } from '../../protocol/frame.ts'
import type { PageState } from '../../protocol/state.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { PollCarrier } from './channel-poll.ts'
import type { Connection } from './connection.ts'
import type { Line } from './line.ts'
import { Outgoing, type Sendable } from './outgoing-messages.ts'
import { ENDED, OLDER, ServerFailure, sentenceOf } from './server-failure.ts'
import type { Transport } from './transport.ts'

export type Welcome = Extract<ServerMessage, { kind: 'welcome' }>
export type CommandOutcome = { ok: true } | { ok: false; reason: string }

export type ChannelHandlers = {
  /** Of the first connection: where the page starts. Later ones only resume. */
  welcome(welcome: Welcome): void
  cellSet(name: string, cells: Uint32Array): void
  /** Apply once. `cells` is what the command's head spoke of, `null` where it has none: then `body` is as it came. */
  command(command: Command, cells: Uint32Array | null, body: Uint8Array): Promise<CommandOutcome>
  kernel(status: KernelStatus): void
  /** How much of what is being read the kernel has, 0 to 1; `null`: nothing takes long. */
  reading(done: number | null): void
  sorting(sorting: Sorting): void
  /** The dataset has this version now; `isAnew`: what is shown is to be read again, whatever is known. */
  data(version: string, isAnew: boolean): void
  /** Who else looks at this viewer. */
  company(others: readonly string[]): void
  /** Something was not understood on the way; `reason` is a sentence. */
  refused(reason: string): void
  /** The channel stands, or does not for now. */
  connected(isConnected: boolean): void
  /** It will not come back by itself; `reason` is a sentence. */
  lost(reason: string): void
}

export type ChannelOptions = {
  transport: Transport
  /** `null`: no WebSocket from here, as in the tunnel. */
  line: Line | null
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
 * Commands and events between this page and the kernel, by way of the server. Over a proven WebSocket; through the
 * notebook as post and long-poll. Says when it is away and back; nothing that was sent meanwhile is lost.
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
  #user: string | null = null
  #connected = false
  #isWelcomed = false
  #lostTimer: ReturnType<typeof setTimeout> | undefined
  readonly #applied = new Set<number>()
  #nextEvent = 1
  readonly #eventPrefix = crypto.getRandomValues(new Uint32Array(2)).join('-')
  /** Messages that no schema knew: counted and dropped. */
  dropped = 0

  constructor(options: ChannelOptions) {
    this.#options = options
  }

  /** Runs until the signal aborts or the server refuses this page for good. */
  async run(): Promise<void> {
    const { signal, handlers, line } = this.#options
    this.#watchForLoss()
    signal.addEventListener('abort', () => clearTimeout(this.#lostTimer), { once: true })
    try {
      await (line === null ? this.#runPoll() : this.#runLine(line))
    } catch (error) {
      line?.giveUp(error)
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

  /** Give the kernel the memory back in which genes are kept sorted. */
  giveBack(): void {
    this.#send({ kind: 'giveBack' })
  }

  /** Tell every server of this page by what name others know its user. */
  introduce(user: string): void {
    this.#user = user
    this.#send({ kind: 'user', name: user })
  }

  /** The user touched this page. */
  touched(): void {
    this.#send({ kind: 'touched' })
  }

  #send(message: PageMessage, body: Uint8Array = new Uint8Array()): void {
    this.#outgoing.push(message, body)
    this.#deliver?.()
  }

  /** Ends only by throwing. */
  async #runLine(line: Line): Promise<never> {
    for (let { connection } = line; ; connection = await line.again(this.#options.signal)) {
      this.#beginConnection()
      this.#deliver = () => this.#deliverAll(connection)
      connection.listen((frame) => this.#takeFrame(frame))
      const { error, code } = await connection.ended
      this.#endConnection()
      this.#options.signal.throwIfAborted()
      if (error instanceof ServerFailure) throw error
      if (code === CLOSE_CODES.unknownKey) throw new ServerFailure('keyDied', ENDED)
      if (code === CLOSE_CODES.protocolError) throw new ServerFailure('refused', OLDER)
    }
  }

  #deliverAll(connection: Connection): void {
    if (!this.#isWelcomed || !connection.isLive) return
    const messages = this.#outgoing.takeAll()
    for (const { frames } of messages) connection.send(frames)
    this.#unsure = [...this.#unsure, ...messages.filter(({ kind }) => !NOT_RESENT.has(kind))].slice(-MAX_RESENT)
  }

  /** Ends only by throwing: a poll that fails is asked again. */
  async #runPoll(): Promise<never> {
    this.#beginConnection()
    const { transport, signal } = this.#options
    const carrier = new PollCarrier(transport, this.#outgoing, {
      answered: () => this.#setConnected(true),
      failed: () => this.#setConnected(false),
      frame: (bytes) => this.#receive(bytes),
    })
    this.#deliver = () => carrier.flush()
    const hello: PageMessage = { kind: 'hello', protocol: PROTOCOL_VERSION }
    return await carrier.run([encodeFrame(hello)], signal)
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
    if (frame !== null) this.#takeFrame(frame)
  }

  #takeFrame(frame: Frame): void {
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
      case 'reading':
        handlers.reading(message.done)
        break
      case 'sorting':
        handlers.sorting(message)
        break
      case 'data':
        handlers.data(message.version, message.isAnew)
        break
      case 'company':
        handlers.company(message.others)
        break
      case 'refused':
        handlers.refused(message.reason)
        break
      case 'ping':
        // What was sent before the last ping has arrived: the server reads in order and still lives.
        this.#unsure = this.#unsure.filter((message) => !this.#old.has(message))
        this.#old = new Set(this.#unsure)
        this.#send({ kind: 'pong' })
        break
      case 'ended':
        throw new ServerFailure('keyDied', message.reason)
    }
  }

  #takeWelcome(welcome: Welcome): void {
    if (welcome.protocol !== PROTOCOL_VERSION) throw new ServerFailure('refused', OLDER)
    const isFirst = this.#instanceId === null
    this.#instanceId = welcome.instanceId
    this.#isWelcomed = true
    this.#setConnected(true)
    if (isFirst) this.#options.handlers.welcome(welcome)
    else if (this.#user !== null) this.introduce(this.#user)
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
    this.#send({ kind: 'ack', seq, ok: false, reason: UNKNOWN_COMMAND })
    this.#options.handlers.refused(UNKNOWN_COMMAND)
  }

  #remember(seq: number): void {
    this.#applied.add(seq)
    if (this.#applied.size <= MAX_REMEMBERED) return
    for (const oldest of this.#applied) {
      this.#applied.delete(oldest)
      break
    }
  }
}

/** What is said anew anyway. */
const NOT_RESENT: ReadonlySet<string> = new Set(['event/hover', 'pong', 'touched'])

const UNKNOWN_COMMAND = 'This page is older than the command. Reload the notebook page.'
const UNREACHABLE =
  'The viewer cannot reach its server any more. Run the cell or the command again if it does not come back.'
