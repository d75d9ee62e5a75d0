import * as v from 'valibot'
import { type AnswerHead, answerSchema, CHANNEL_LIMITS, CLOSE_CODES, challengeSchema } from '../../protocol/channel.ts'
import { encodeFrame, encodeMessage, type Frame, FrameAssembler } from '../../protocol/frame.ts'
import {
  derivedKey,
  type HandshakeFacts,
  handshakeKey,
  nameOf,
  pageProof,
  serverProof,
} from '../../protocol/handshake.ts'
import {
  equalInConstantTime,
  type InstanceId,
  makeNonce,
  type Nonce,
  type PageKey,
  parseInstanceId,
  parseNonce,
  type ViewerId,
  type ViewerToken,
} from '../../protocol/probe.ts'
import { MARK_HEADER, ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { ENDED, failureOfError, OLDER, ServerFailure } from './server-failure.ts'
import type { Answer, Call } from './transport.ts'

/** By what a page proves itself: the token that its address held, or the key of the page that it was before. */
export type PageSecret = {
  secret: ViewerToken | PageKey
  /** Of the frame that the token is for. */
  frame: Nonce | null
  /** The page was loaded, and gets a key of its own; else it comes back. */
  isFresh: boolean
}

/** How it went: `code` is the WebSocket's close code, 1006 when it broke; `error` what could not be read. */
export type ConnectionEnd = { code: number; error?: unknown }

type Place = {
  /** Of the page's own server. */
  base: string
  viewerId: ViewerId
  /** No cookie is anybody's business there. */
  isDirect: boolean
}

/** The connection ended before the answer came: the same may be asked on the next one. */
export class ConnectionEnded extends Error {}

/** A proxy that is going to let a WebSocket through has done so by then; others may never answer. */
const OPEN_TIMEOUT_MS = 4_000
/** Two missed pings: the other end is gone, whatever the operating system still believes. */
const SILENCE_MS = 2 * CHANNEL_LIMITS.pingIntervalMs + 5_000
/** Reads whose ticket is known. */
const MAX_TICKETS = 64

type Ticket = NonNullable<AnswerHead['ticket']>
type Waiting = { resolve(answer: { head: AnswerHead; body: Uint8Array }): void; reject(reason: unknown): void }

/**
 * One WebSocket to a server that has proven itself, and all that this page says to it: the only place that opens a socket
 * or fetches. Nobody can take over an open socket, so whatever says something of the data or the user rides it; what is
 * fetched beside it goes by a ticket of this server. After its end every method throws.
 */
export class Connection {
  readonly instanceId: InstanceId
  /** By which this page comes back. */
  readonly pageKey: PageKey
  readonly ended: Promise<ConnectionEnd>
  readonly #socket: WebSocket
  readonly #place: Place
  readonly #life = new AbortController()
  readonly #assembler = new FrameAssembler()
  readonly #asks = new Map<number, Waiting>()
  /** By path. */
  readonly #tickets = new Map<string, Ticket>()
  readonly #end: (end: ConnectionEnd) => void
  #listener: ((frame: Frame) => void) | null = null
  /** Came before there was anybody to hear it. */
  #unheard: Frame[] = []
  #silence: ReturnType<typeof setTimeout> | undefined
  #nextAsk = 1
  #nextStream = 1

  private constructor(socket: WebSocket, place: Place, proven: { instanceId: InstanceId; pageKey: PageKey }) {
    this.#socket = socket
    this.#place = place
    this.instanceId = proven.instanceId
    this.pageKey = proven.pageKey
    const { promise, resolve } = Promise.withResolvers<ConnectionEnd>()
    this.ended = promise
    this.#end = resolve
    socket.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data)
    socket.onclose = ({ code }) => this.#finish({ code })
    this.#watch()
  }

  /**
   * Open a socket and let the server prove itself, then this page. Until then nothing leaves but a nonce and the public
   * name of the secret.
   * @returns `null` where no WebSocket comes about
   * @throws ServerFailure where one does and the server is another one, or knows this page no more
   */
  static async open(
    place: Place,
    { secret, frame, isFresh }: PageSecret,
    signal: AbortSignal,
  ): Promise<Connection | null> {
    const key = handshakeKey(secret)
    const pageNonce = makeNonce()
    const query = new URLSearchParams({ viewerId: place.viewerId, by: nameOf(key), nonce: pageNonce })
    if (frame !== null) query.set('frame', frame)
    const url = new URL(`${ROUTES.channel}?${query}`, place.base)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const unknown = isFresh ? NO_LINK : ENDED
    const opened = await firstWord(url.href, unknown, signal)
    if (opened === null) return null
    try {
      const { facts, protocol } = readChallenge(opened.word, key, { viewerId: place.viewerId, pageNonce, unknown })
      if (protocol !== PROTOCOL_VERSION) throw new ServerFailure('refused', OLDER)
      const hello = { kind: 'hello', protocol: PROTOCOL_VERSION, proof: pageProof(key, facts), isFresh }
      opened.socket.send(encodeFrame(hello) as Uint8Array<ArrayBuffer>) // never over a SharedArrayBuffer
      const pageKey = isFresh ? derivedKey(key, facts) : (secret as PageKey) // who comes back does so by its key
      const connection = new Connection(opened.socket, place, { instanceId: facts.instanceId, pageKey })
      signal.addEventListener('abort', () => connection.#finish({ code: 1000 }), { signal: connection.#life.signal })
      return connection
    } catch (error) {
      opened.socket.close()
      throw error
    }
  }

  get isLive(): boolean {
    return !this.#life.signal.aborted
  }

  /** Hear all that is no answer, from the first message on. */
  listen(listener: (frame: Frame) => void): void {
    this.#listener = listener
    for (const frame of this.#unheard.splice(0)) this.#tell(frame)
  }

  /** @throws ConnectionEnded */
  send(frames: readonly Uint8Array[]): void {
    this.#mustLive()
    for (const frame of frames) this.#socket.send(frame as Uint8Array<ArrayBuffer>) // never over a SharedArrayBuffer
  }

  /**
   * One request. It goes by the socket; a large answer is fetched by the ticket that comes back.
   * @throws ConnectionEnded; ServerFailure; the signal's reason when it aborts
   */
  async call(call: Call): Promise<Answer> {
    this.#mustLive()
    const known = isLaterPart(call) ? this.#tickets.get(call.path) : undefined
    if (known !== undefined) return this.#fetch(known, call)
    const { head, body } = await this.#ask(call)
    if (head.ticket === undefined) return { status: head.status, headers: new Map(Object.entries(head.headers)), body }
    this.#keepTicket(call.path, head.ticket)
    return this.#fetch(head.ticket, call)
  }

  /**
   * Let the server that this page came from answer a question whose proof another judges: behind a cookie wall nobody else
   * can ask it. Nothing leaves but the question.
   */
  static relay(path: string): Promise<Response> {
    return request(path, { cache: 'no-store', credentials: 'same-origin' })
  }

  #ask({ method, path, headers, body, signal }: Call): Promise<{ head: AnswerHead; body: Uint8Array }> {
    signal.throwIfAborted()
    const id = this.#nextAsk++
    const { promise, resolve, reject } = Promise.withResolvers<{ head: AnswerHead; body: Uint8Array }>()
    this.#asks.set(id, { resolve, reject })
    const stop = () => {
      if (!this.#asks.has(id)) return
      reject(signal.reason)
      if (!this.#life.signal.aborted) this.send([encodeFrame({ kind: 'forget', id })])
    }
    signal.addEventListener('abort', stop, { once: true })
    const ask = { kind: 'ask', id, method, path, headers }
    this.send([...encodeMessage(ask, body ?? new Uint8Array(), STREAMS_OF_ASKS + this.#nextStream++)])
    return promise.finally(() => {
      this.#asks.delete(id)
      signal.removeEventListener('abort', stop)
    })
  }

  async #fetch({ path, mark }: Ticket, { headers, signal }: Call): Promise<Answer> {
    try {
      const response = await request(new URL(path, this.#place.base).href, {
        headers,
        signal: AbortSignal.any([signal, this.#life.signal]),
        credentials: this.#place.isDirect ? 'omit' : 'same-origin',
        cache: 'no-cache',
      })
      const body = new Uint8Array(await response.arrayBuffer())
      const isOurs = response.headers.get(MARK_HEADER) === mark
      if (response.status === 401 || (response.ok && !isOurs)) this.#finish({ code: 1006 })
      this.#mustLive()
      return { status: response.status, headers: new Map(response.headers), body }
    } catch (error) {
      signal.throwIfAborted()
      this.#mustLive()
      throw failureOfError(error)
    }
  }

  #keepTicket(path: string, ticket: Ticket): void {
    this.#tickets.delete(path)
    this.#tickets.set(path, ticket)
    for (const oldest of this.#tickets.keys()) {
      if (this.#tickets.size <= MAX_TICKETS) break
      this.#tickets.delete(oldest)
    }
  }

  #receive(data: unknown): void {
    this.#watch()
    // Text is not ours; a message that cannot be read ends the connection, a new one starts clean.
    if (!(data instanceof ArrayBuffer)) return
    try {
      const frame = this.#assembler.push(new Uint8Array(data))
      if (frame === null) return
      const answer = frame.header.kind === 'answer' ? v.parse(answerSchema, frame.header) : null
      if (answer !== null) this.#asks.get(answer.id)?.resolve({ head: answer, body: frame.body })
      else if (this.#listener === null) this.#unheard.push(frame)
      else this.#tell(frame)
    } catch (error) {
      this.#finish({ code: 1006, error })
    }
  }

  #tell(frame: Frame): void {
    try {
      this.#listener?.(frame)
    } catch (error) {
      this.#finish({ code: 1006, error })
    }
  }

  #watch(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#finish({ code: 1006 }), SILENCE_MS)
  }

  #mustLive(): void {
    if (this.#life.signal.aborted) throw new ConnectionEnded()
  }

  #finish(end: ConnectionEnd): void {
    clearTimeout(this.#silence)
    if (this.#life.signal.aborted) return
    const ended = new ConnectionEnded()
    this.#life.abort(ended)
    this.#socket.onmessage = this.#socket.onclose = null
    this.#socket.close()
    for (const { reject } of this.#asks.values()) reject(ended)
    this.#end(end)
  }
}

/** Bodies of asks and other messages may interleave: their streams have different numbers. */
const STREAMS_OF_ASKS = 1 << 30

/** A part after the first: what it is of was asked for already. */
function isLaterPart({ headers }: Call): boolean {
  return headers.range !== undefined && !headers.range.startsWith('bytes=0-')
}

/** `unknown`: what to say where the server does not know the secret. */
type Asked = { viewerId: ViewerId; pageNonce: Nonce; unknown: string }

/** @throws ServerFailure when it is not the answer of a server that knows the secret */
function readChallenge(
  word: Uint8Array,
  key: Uint8Array,
  { viewerId, pageNonce, unknown }: Asked,
): { facts: HandshakeFacts; protocol: number } {
  const frame = new FrameAssembler().push(word)
  // A proxy may have lost the code that says so too.
  if (frame?.header.kind === 'ended') throw new ServerFailure('keyDied', unknown)
  const parsed = v.safeParse(challengeSchema, frame?.header)
  const instanceId = parsed.success ? parseInstanceId(parsed.output.instanceId) : null
  const serverNonce = parsed.success ? parseNonce(parsed.output.nonce) : null
  if (!parsed.success || instanceId === null || serverNonce === null) throw new ServerFailure('gone', ANOTHER)
  const facts = { viewerId, instanceId, pageNonce, serverNonce }
  if (!equalInConstantTime(parsed.output.proof, serverProof(key, facts))) throw new ServerFailure('gone', ANOTHER)
  return { facts, protocol: parsed.output.protocol }
}

/** A socket and the first message on it; `null` when none came. @throws ServerFailure when the secret is not known */
async function firstWord(
  url: string,
  unknown: string,
  signal: AbortSignal,
): Promise<{ socket: WebSocket; word: Uint8Array } | null> {
  signal.throwIfAborted()
  const socket = openSocket(url)
  if (socket === null) return null
  socket.binaryType = 'arraybuffer'
  const stop = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
  const word = await new Promise<Uint8Array | number>((resolve) => {
    const timeout = () => resolve(0)
    stop.addEventListener('abort', timeout, { once: true })
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      stop.removeEventListener('abort', timeout)
      resolve(data instanceof ArrayBuffer ? new Uint8Array(data) : 0)
    }
    socket.onclose = ({ code }) => resolve(code)
  })
  if (typeof word !== 'number') return { socket, word }
  socket.close()
  signal.throwIfAborted()
  if (word === CLOSE_CODES.unknownKey) throw new ServerFailure('keyDied', unknown)
  return null
}

/** `null` where a policy of the browser or of the page around us forbids it. */
function openSocket(url: string): WebSocket | null {
  try {
    return new WebSocket(url)
  } catch (error) {
    if (error instanceof DOMException || error instanceof ReferenceError || error instanceof TypeError) return null
    throw error
  }
}

function request(url: string, options: RequestInit): Promise<Response> {
  return fetch(url, { redirect: 'manual', ...options })
}

const ANOTHER = 'Something else answers in place of the viewer’s server. Run the cell or the command again.'
const NO_LINK = 'This link is not valid any more. Run the cell or the command again, or open viewer.viewer_url.'
