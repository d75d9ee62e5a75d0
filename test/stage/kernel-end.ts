import type { Readable, Writable } from 'node:stream'
import { ProtocolError } from '../../protocol/errors.ts'
import { encodeMessage, type Frame, joinFrames } from '../../protocol/frame.ts'
import type { KernelCall, ServerCall, SourceRead } from '../../protocol/pipe.ts'
import { MessageReader } from '../../server/kernel/message-reader.ts'
import type { KernelAnswer } from './small-dataset.ts'

export type Heard = ServerCall & { body: Uint8Array }
type Ask = { resolve: (answer: KernelAnswer) => void; reject: (error: Error) => void }

/** The kernel's end of the pipe to a server process: asks, answers `source.read`, keeps what it hears. */
export class KernelEnd {
  /** Every notification so far, oldest first. */
  readonly heard: Heard[] = []
  readonly #input: Writable
  readonly #read: (read: SourceRead, sourceId: string) => KernelAnswer | Promise<KernelAnswer>
  readonly #asks = new Map<number, Ask>()
  readonly #waiters = new Set<() => void>()
  #next = 1

  /** @param output the server's stdout, @param input its stdin */
  constructor(
    output: Readable,
    input: Writable,
    read: (read: SourceRead, sourceId: string) => KernelAnswer | Promise<KernelAnswer>,
  ) {
    this.#input = input
    this.#read = read
    // A server that ended cannot be written to; its end is what tests look at.
    input.on('error', () => input.destroy())
    const reader = new MessageReader()
    output.on('data', (chunk: Buffer) => {
      for (const message of reader.push(chunk)) void this.#take(message)
    })
    output.once('close', () => {
      for (const ask of this.#asks.values()) ask.reject(new Error('The server ended.'))
      this.#wake()
    })
  }

  /** @throws ProtocolError as the server answered */
  call<M extends KernelCall['method']>(
    method: M,
    params: Extract<KernelCall, { method: M }>['params'],
    body: Uint8Array = new Uint8Array(),
  ): Promise<KernelAnswer> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#asks.set(id, { resolve, reject })
      this.#send({ jsonrpc: '2.0', id, method, params }, body)
    })
  }

  notify<M extends KernelCall['method']>(
    method: M,
    params: Extract<KernelCall, { method: M }>['params'],
    body: Uint8Array = new Uint8Array(),
  ): void {
    this.#send({ jsonrpc: '2.0', method, params }, body)
  }

  /** The first notification of this method that fits, heard already or still to come. */
  async hear<M extends ServerCall['method']>(
    method: M,
    fits: (params: Extract<ServerCall, { method: M }>['params']) => boolean = () => true,
  ): Promise<Extract<ServerCall, { method: M }> & { body: Uint8Array }> {
    for (;;) {
      const found = this.heard.find((call) => call.method === method && fits(call.params as never)) // narrowed by method
      if (found !== undefined) return found as Extract<ServerCall, { method: M }> & { body: Uint8Array } // as found by method
      await new Promise<void>((resolve) => this.#waiters.add(resolve))
    }
  }

  async #take({ header, body }: Frame): Promise<void> {
    if (header.method === 'source.read') await this.#answer(header)
    else if (typeof header.method === 'string') {
      this.heard.push({ method: header.method, params: header.params, body } as Heard) // tests look at it by its schema
      this.#wake()
    } else this.#settle(header, body)
  }

  #settle({ id, result, error }: Record<string, unknown>, body: Uint8Array): void {
    const ask = this.#asks.get(Number(id))
    this.#asks.delete(Number(id))
    if (error === undefined) ask?.resolve({ result, body })
    else {
      const { code, message } = error as { code: never; message: string } // as the server's error bodies are
      ask?.reject(new ProtocolError(code, message))
    }
  }

  async #answer({ id, params }: Record<string, unknown>): Promise<void> {
    const { sourceId, read } = params as { sourceId: string; read: SourceRead } // the server's own request
    try {
      const { result, body } = await this.#read(read, sourceId)
      this.#send({ jsonrpc: '2.0', id, result }, body)
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 'internal'
      this.#send({ jsonrpc: '2.0', id, error: { code, message: String(error) } }, new Uint8Array())
    }
  }

  #send(header: object, body: Uint8Array): void {
    if (this.#input.writable) this.#input.write(joinFrames([...encodeMessage(header, body, this.#next++)]))
  }

  #wake(): void {
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}
