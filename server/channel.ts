import * as v from 'valibot'
import { checkCells } from '../protocol/cells.ts'
import {
  CHANNEL_LIMITS,
  CLOSE_CODES,
  type PageMessage,
  pageMessageSchema,
  type ServerMessage,
} from '../protocol/channel.ts'
import { PRIMARY_COMMANDS } from '../protocol/commands.ts'
import { assertNever, ProtocolError } from '../protocol/errors.ts'
import type { ViewerEvent } from '../protocol/events.ts'
import { encodeMessage, FrameAssembler } from '../protocol/frame.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import type { Carrier } from './carrier.ts'
import { LIMITS } from './limits.ts'
import type { WaitingCommand } from './outbox.ts'
import type { Viewer } from './viewer.ts'

export type Hello = Extract<PageMessage, { kind: 'hello' }>
const EMPTY = new Uint8Array()

/**
 * One page of a viewer and its end of the channel, whatever carries it. It lives as long as its key, so a page whose
 * socket broke comes back to the same one.
 */
export class PageChannel {
  /** The digest of its key. */
  readonly id: string
  readonly #viewer: Viewer
  #carrier: Carrier | null = null
  #isPresent = false
  #assembler = new FrameAssembler(LIMITS.channelBodiesUnderWay)
  #nextStream = 1
  /** Numbers of the waiting commands that went out by this connection. */
  readonly #offered = new Set<number>()
  #pinger: NodeJS.Timeout | undefined
  #pingsUnanswered = 0
  /** The highest number of a post that was applied. */
  lastSequence = 0
  /** Messages that no schema knew. */
  unknownMessages = 0
  /** Frames, both ways. */
  received = 0
  sent = 0
  /** How often it said hello. */
  connections = 0

  constructor(id: string, viewer: Viewer) {
    this.id = id
    this.#viewer = viewer
  }

  /** The page can be spoken to now. */
  get isOpen(): boolean {
    return this.#carrier !== null && this.#isPresent
  }

  get carrier(): Carrier | null {
    return this.#carrier
  }

  /**
   * The page said hello by this carrier: it gets welcome, the sets of cells, and the commands that wait.
   * @throws ProtocolError `wrong_protocol`
   */
  open(carrier: Carrier, hello: Hello): void {
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw new ProtocolError('wrong_protocol', 'The page is older than the server: reload the notebook page.')
    }
    // One connection a page: what came before is a socket that broke unnoticed.
    this.#detach()?.close(CLOSE_CODES.stopped, 'This page has a new connection.')
    this.#carrier = carrier
    this.#isPresent = true
    this.connections++
    this.#assembler = new FrameAssembler(LIMITS.channelBodiesUnderWay)
    this.#offered.clear()
    if (carrier.kind === 'socket') this.#startPings()
    this.#welcome()
    this.#viewer.pagesChanged()
  }

  #welcome(): void {
    const { state, outbox, instanceId, pulse, savesPictures, sorting } = this.#viewer
    const { page, cellSets } = state
    const commandSeq = outbox.settledSeq
    const facts = {
      instanceId,
      protocol: PROTOCOL_VERSION,
      state: page,
      cellSets: cellSets.size,
      commandSeq,
      savesPictures,
    }
    this.send({ kind: 'welcome', ...facts })
    for (const [name, { head, body }] of cellSets) this.send({ kind: 'cellSet', name, cells: head }, body)
    for (const waiting of outbox.waiting) this.offer(waiting)
    if (pulse.status !== 'idle') this.send({ kind: 'kernel', status: pulse.status })
    if (sorting.now.done !== null || sorting.now.note !== null) this.send({ kind: 'sorting', ...sorting.now })
  }

  /** Its carrier ended; the page may come back. */
  closed(carrier: Carrier): void {
    if (this.#carrier !== carrier) return
    this.#detach()
    this.setPresent(false)
  }

  /** A page that polls fell silent, or is back. */
  setPresent(isPresent: boolean): void {
    if (this.#isPresent === isPresent) return
    this.#isPresent = isPresent
    this.#viewer.pagesChanged()
  }

  /** End it for good. */
  end(code: number, reason: string): void {
    this.#detach()?.close(code, reason)
    this.setPresent(false)
  }

  send(message: ServerMessage, body: Uint8Array = EMPTY): void {
    if (this.#carrier === null) return
    const frames = [...encodeMessage(message, body, this.#nextStream++)]
    this.sent += frames.length
    this.#carrier.send(frames)
  }

  /** Send a command, once by each connection; what only one page can answer goes to the primary one. */
  offer({ seq, command, body }: WaitingCommand): void {
    if (!this.isOpen || this.#offered.has(seq)) return
    if (PRIMARY_COMMANDS.has(command.kind) && this.#viewer.primaryPage !== this) return
    this.#offered.add(seq)
    this.send({ kind: 'command', seq, command }, body)
  }

  /** Of a settled command nothing need be remembered. */
  settled(seq: number): void {
    this.#offered.delete(seq)
  }

  /**
   * Take one frame from the page.
   * @throws ProtocolError when it is none, or holds what cannot be; the carrier then ends
   */
  receive(bytes: Uint8Array): void {
    this.#pingsUnanswered = 0
    this.received++
    const frame = this.#assembler.push(bytes)
    if (frame === null) return
    const parsed = v.safeParse(pageMessageSchema, frame.header)
    if (!parsed.success) {
      this.unknownMessages++
      return
    }
    try {
      this.#take(parsed.output, frame.body)
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'too_large') throw error
      // More than is kept for a next page: this one goes on, and the report says what is missing.
      this.#viewer.console.warn(error.message)
    }
  }

  #take(message: PageMessage, body: Uint8Array): void {
    switch (message.kind) {
      case 'hello':
      case 'pong':
        return
      case 'ack':
        this.#viewer.acknowledge(message.seq, message.ok, message.reason)
        return
      case 'event':
        this.#takeEvent(message.id, message.event, body)
        return
      case 'state':
        this.#viewer.keepState(message.state)
        return
      case 'cellSet':
        checkCells(message.cells, body)
        this.#viewer.keepCells(checkName(message.name), message.cells, body)
        return
      case 'touched':
        this.#viewer.touch(this)
        return
      default:
        assertNever(message)
    }
  }

  #takeEvent(id: string, event: ViewerEvent, body: Uint8Array): void {
    if (event.kind === 'console') {
      this.#viewer.console.add(event.lines)
      return
    }
    if (event.kind === 'selection') checkCells(event.cells, body)
    this.#viewer.forwardEvent(checkName(id), event, body)
  }

  #startPings(): void {
    this.#pingsUnanswered = 0
    this.#pinger = setInterval(() => {
      if (this.#pingsUnanswered >= LIMITS.missedPings) {
        this.end(CLOSE_CODES.stopped, 'The page does not answer.')
        return
      }
      this.#pingsUnanswered++
      this.send({ kind: 'ping' })
    }, CHANNEL_LIMITS.pingIntervalMs)
  }

  #detach(): Carrier | null {
    clearInterval(this.#pinger)
    const carrier = this.#carrier
    this.#carrier = null
    return carrier
  }
}

function checkName(name: string): string {
  if (Buffer.byteLength(name) <= LIMITS.nameBytes) return name
  throw new ProtocolError('too_large', `A name of more than ${LIMITS.nameBytes} bytes.`)
}
