import { WebSocket } from 'ws'
import type { Challenge, PageMessage, ServerMessage } from '../../protocol/channel.ts'
import { decodeFrame, encodeMessage, FrameAssembler, joinFrames, splitFrames } from '../../protocol/frame.ts'
import { type HandshakeFacts, handshakeKey, nameOf, pageProof } from '../../protocol/handshake.ts'
import { makeNonce, type PageKey, type ViewerId } from '../../protocol/probe.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'

export type HeardMessage = ServerMessage & { body: Uint8Array }
export type PageFacts = { base: string; viewerId: ViewerId; pageKey: PageKey }

/** A page's end of the channel that keeps what it hears and says what it is told to. */
export abstract class PageEnd {
  readonly heard: HeardMessage[] = []
  /** Resolves with the WebSocket's close code, or with the status of the poll that was refused. */
  readonly closed: Promise<number>
  readonly facts: PageFacts
  protected assembler = new FrameAssembler()
  protected readonly end: (code: number) => void
  readonly #waiters = new Set<() => void>()
  #nextStream = 1

  constructor(facts: PageFacts) {
    this.facts = facts
    const { promise, resolve } = Promise.withResolvers<number>()
    this.closed = promise
    this.end = resolve
  }

  protected abstract sendFrames(frames: readonly Uint8Array[]): void
  abstract close(): void

  hello(changes: Partial<Extract<PageMessage, { kind: 'hello' }>> = {}): void {
    this.send({ kind: 'hello', protocol: PROTOCOL_VERSION, ...changes })
  }

  send(message: PageMessage | { kind: string }, body: Uint8Array = new Uint8Array()): void {
    this.sendFrames([...encodeMessage(message, body, this.#nextStream++)])
  }

  /** The first message of this kind that fits, heard already or still to come. */
  async hear<K extends ServerMessage['kind']>(
    kind: K,
    fits: (message: Extract<ServerMessage, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<ServerMessage, { kind: K }> & { body: Uint8Array }> {
    type Found = Extract<ServerMessage, { kind: K }> & { body: Uint8Array }
    for (;;) {
      const found = this.heard.find((message) => message.kind === kind && fits(message as Found)) // narrowed by kind
      if (found !== undefined) return found as Found // as found by kind
      await new Promise<void>((resolve) => this.#waiters.add(resolve))
    }
  }

  /** Numbers of the commands heard so far. */
  get commandSeqs(): number[] {
    return this.heard.flatMap((message) => (message.kind === 'command' ? [message.seq] : []))
  }

  protected take(bytes: Uint8Array): void {
    const frame = this.assembler.push(bytes)
    if (frame === null) return
    this.heard.push({ ...frame.header, body: frame.body } as HeardMessage) // tests look at it by its schema
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}

export class SocketPage extends PageEnd {
  readonly socket: WebSocket
  /** The server's first word, and the mac that answers it. */
  readonly #challenged: Promise<string>

  constructor(facts: PageFacts, headers: Record<string, string> = {}) {
    super(facts)
    const key = handshakeKey(facts.pageKey)
    const pageNonce = makeNonce()
    const query = new URLSearchParams({ viewerId: facts.viewerId, by: nameOf(key), nonce: pageNonce })
    this.socket = new WebSocket(`${facts.base.replace(/^http/, 'ws')}${ROUTES.channel}?${query}`, { headers })
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#challenged = promise
    this.socket.on('message', (data: Buffer) => {
      const { header } = decodeFrame(Uint8Array.from(data))
      if (header.kind !== 'challenge') return this.take(Uint8Array.from(data))
      const { instanceId, nonce: serverNonce } = header as Challenge
      const proven = { viewerId: facts.viewerId, pageNonce, instanceId, serverNonce } as HandshakeFacts // as sent
      resolve(pageProof(key, proven))
    })
    this.socket.on('error', () => this.end(1006))
    this.socket.once('close', (code) => this.end(code))
  }

  override hello(changes: Partial<Extract<PageMessage, { kind: 'hello' }>> = {}): void {
    void this.#challenged.then((proof) => super.hello({ proof, ...changes }))
  }

  protected sendFrames(frames: readonly Uint8Array[]): void {
    void this.#challenged.then(() => {
      for (const frame of frames) this.socket.send(frame)
    })
  }

  close(): void {
    this.socket.close()
  }
}

export class PollPage extends PageEnd {
  readonly #stop = new AbortController()
  #posts: Promise<void> = Promise.resolve()
  #sequence = 0
  #isPolling = false

  protected sendFrames(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      this.#posts = this.#posts
        .then(() => this.post(++this.#sequence, [frame]))
        .then((status) => {
          if (status !== 200) this.end(status)
          else if (!this.#isPolling) void this.#poll()
        })
    }
  }

  close(): void {
    this.#stop.abort()
  }

  /** @returns the status */
  async post(sequence: number, frames: readonly Uint8Array[]): Promise<number> {
    const answer = await fetch(`${this.facts.base}${ROUTES.events}?sequence=${sequence}`, {
      method: 'POST',
      headers: { [KEY_HEADER]: this.facts.pageKey, 'content-type': 'application/octet-stream' },
      body: joinFrames(frames) as Uint8Array<ArrayBuffer>, // never over a SharedArrayBuffer
    })
    await answer.arrayBuffer()
    return answer.status
  }

  async #poll(): Promise<void> {
    this.#isPolling = true
    let cursor = 0
    while (!this.#stop.signal.aborted) {
      const answer = await this.ask(cursor)
      if (answer === null) return
      if (answer.status !== 200) return this.end(answer.status)
      const [head, ...frames] = splitFrames(answer.body)
      cursor = Number(new FrameAssembler().push(head ?? new Uint8Array())?.header.cursor)
      for (const frame of frames) this.take(frame)
    }
  }

  /** One poll; `null` when this page was closed meanwhile. */
  async ask(after: number): Promise<{ status: number; body: Uint8Array } | null> {
    try {
      const headers = { [KEY_HEADER]: this.facts.pageKey }
      const url = `${this.facts.base}${ROUTES.commands}?after=${after}`
      const answer = await fetch(url, { headers, signal: this.#stop.signal })
      return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) }
    } catch (error) {
      if (this.#stop.signal.aborted) return null
      throw error
    }
  }
}
