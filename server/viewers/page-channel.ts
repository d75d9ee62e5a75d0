import * as v from 'valibot'
import { checkCells } from '../../protocol/cells.ts'
import {
  type AnswerHead,
  CHANNEL_LIMITS,
  CLOSE_CODES,
  type PageMessage,
  pageMessageSchema,
  type ServerMessage,
  type Sorting,
} from '../../protocol/channel.ts'
import { PRIMARY_COMMANDS } from '../../protocol/commands.ts'
import { assertNever, ProtocolError } from '../../protocol/errors.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import { encodeMessage, FrameAssembler } from '../../protocol/frame.ts'
import { messageName, missOf } from '../../protocol/refusal.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { LIMITS } from '../process/limits.ts'
import type { Carrier } from './channel-transport.ts'
import type { WaitingCommand } from './outbox.ts'
import type { PageOwner } from './page-owner.ts'

export type Hello = Extract<PageMessage, { kind: 'hello' }>
/** Whoever answers what a page asks for by its socket. */
export interface PageAsks {
  take(ask: Extract<PageMessage, { kind: 'ask' }>, body: Uint8Array): void
  forget(id: number): void
  /** The socket ended. */
  end(): void
}
const EMPTY = new Uint8Array()

/**
 * One page of a viewer and its end of the channel, whatever carries it. It lives as long as its key, so a page whose
 * socket broke comes back to the same one.
 */
export class PageChannel {
  /** Of its key's holder. */
  readonly id: string
  readonly #viewer: PageOwner<PageChannel>
  #carrier: Carrier | null = null
  /** What it asks for by its socket; `null` where each request travels by itself. */
  #requests: PageAsks | null = null
  #isPresent = false
  #assembler = new FrameAssembler(LIMITS.channelBodiesUnderWay)
  #nextStream = 1
  /** Numbers of the waiting commands that went out by this connection. */
  readonly #offered = new Set<number>()
  #pinger: NodeJS.Timeout | undefined
  #pingsUnanswered = 0
  /** The highest number of a post that was applied. */
  lastSequence = 0
  /** Messages that no schema knew; each is refused. */
  unknownMessages = 0
  /** By what name others know its user. */
  user: string | null = null
  #toldCompany = ''
  /** Frames, both ways. */
  received = 0
  sent = 0
  /** How often it said hello. */
  connections = 0

  constructor(id: string, viewer: PageOwner<PageChannel>) {
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
  open(carrier: Carrier, hello: Hello, requests: PageAsks | null = null): void {
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw new ProtocolError('wrong_protocol', 'The page is older than the server: reload the notebook page.')
    }
    // One connection a page: what came before is a socket that broke unnoticed.
    this.#detach()?.close(CLOSE_CODES.stopped, 'This page has a new connection.')
    this.#carrier = carrier
    this.#requests = requests
    this.#isPresent = true
    this.connections++
    this.#assembler = new FrameAssembler(LIMITS.channelBodiesUnderWay)
    this.#offered.clear()
    this.#toldCompany = ''
    if (carrier.kind === 'socket') this.#startPings()
    this.#welcome()
    this.#viewer.pagesChanged()
  }

  #welcome(): void {
    const { state, outbox, instanceId, pulse, savesPictures, sorting, data } = this.#viewer
    const { page, cellSets } = state
    const facts = {
      instanceId,
      protocol: PROTOCOL_VERSION,
      state: page,
      cellSets: cellSets.size,
      savesPictures,
    }
    this.send({ kind: 'welcome', ...facts })
    for (const [name, { head, body }] of cellSets) this.send({ kind: 'cellSet', name, cells: head }, body)
    for (const waiting of outbox.waiting) this.offer(waiting)
    if (pulse.status !== 'idle') this.send({ kind: 'kernel', status: pulse.status })
    if (data.version !== null) this.send({ kind: 'data', version: data.version, isAnew: false })
    if (isTold(sorting.now)) this.send({ kind: 'sorting', ...sorting.now })
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

  /** End it for good, and say so: a proxy may lose the code. */
  end(code: number, reason: string): void {
    this.send({ kind: 'ended', reason })
    this.#part(code, reason)
  }

  /** It may come back. */
  #part(code: number, reason: string): void {
    this.#detach()?.close(code, reason)
    this.setPresent(false)
  }

  send(message: ServerMessage | AnswerHead, body: Uint8Array = EMPTY): void {
    if (this.#carrier === null) return
    const frames = [...encodeMessage(message, body, this.#nextStream++, this.#carrier.maxFrameBytes)]
    this.sent += frames.length
    this.#carrier.send(frames)
  }

  /** Say who else is there, if that was not said by this connection. */
  tellCompany(others: readonly string[]): void {
    const told = others.join('\n')
    if (told === this.#toldCompany) return
    this.#toldCompany = told
    this.send({ kind: 'company', others: [...others] })
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
      this.#viewer.refusePage(messageName(frame.header), missOf(parsed.issues))
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
      case 'ask':
        this.#requests?.take(message, body)
        return
      case 'forget':
        this.#requests?.forget(message.id)
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
      case 'giveBack':
        this.#viewer.giveBack()
        return
      case 'user':
        this.user = message.name
        this.#viewer.tellCompany()
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
        this.#part(CLOSE_CODES.stopped, 'The page does not answer.')
        return
      }
      this.#pingsUnanswered++
      this.send({ kind: 'ping' })
    }, CHANNEL_LIMITS.pingIntervalMs)
  }

  #detach(): Carrier | null {
    clearInterval(this.#pinger)
    this.#requests?.end()
    this.#requests = null
    const carrier = this.#carrier
    this.#carrier = null
    return carrier
  }
}

/** Whether there is anything to say of it. */
function isTold({ done, note, bytes = 0 }: Sorting): boolean {
  return done !== null || note !== null || bytes > 0
}

function checkName(name: string): string {
  if (Buffer.byteLength(name) <= LIMITS.nameBytes) return name
  throw new ProtocolError('too_large', `A name of more than ${LIMITS.nameBytes} bytes.`)
}
