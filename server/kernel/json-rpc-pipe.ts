import type { Writable } from 'node:stream'
import { isErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { cutMessage, type Frame, type FramePieces } from '../../protocol/frame.ts'
import type { ReadPieces } from '../process/stdio.ts'
import type { NotifyOptions } from '../viewers/kernel-notifier.ts'
import { MessageReader } from './message-reader.ts'

export type Message = { params: unknown; body: Uint8Array }
export type Answer = { result: unknown; body?: Uint8Array }
/** Answers the other side's requests; for a notification the answer goes nowhere. */
export type Serve = (method: string, message: Message) => Promise<Answer | null>

type Outgoing = NotifyOptions & { header: object; body?: Uint8Array }
type Waiting = { frames: Iterator<FramePieces>; name: string | null; written: () => void }
type PendingCall = { resolve: (answer: { result: unknown; body: Uint8Array }) => void; reject: (error: Error) => void }

const EMPTY = new Uint8Array()

/**
 * JSON-RPC 2.0 in frames over two streams. Two queues, each in order: pictures and tunnelled bodies are bulk and wait
 * for all else, part by part. A full stream stops the writing and nothing else.
 */
export class Pipe {
  readonly #output: Writable
  readonly #control: Waiting[] = []
  readonly #bulk: Waiting[] = []
  readonly #calls = new Map<number, PendingCall>()
  #isWriting = false
  #isOpen = true
  #nextId = 1
  #nextStream = 1

  constructor(output: Writable) {
    this.#output = output
  }

  /**
   * Read frames until the input ends.
   * @returns when it has ended, was broken or carried what is no frame, with the reason or `null` for a plain end
   */
  async read(input: ReadPieces, serve: Serve): Promise<Error | null> {
    const reader = new MessageReader()
    try {
      await input((piece) => {
        for (const message of reader.push(piece)) this.#receive(message, serve)
      })
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      this.close()
    }
  }

  /** Resolves when the last byte was handed to the stream, or the pipe was closed. */
  notify(method: string, params: object, body: Uint8Array = EMPTY, options: NotifyOptions = {}): Promise<void> {
    return this.#send({ header: { jsonrpc: '2.0', method, params }, body, ...options })
  }

  /** Ask the other side. @throws ProtocolError as answered, `kernel_gone` when the pipe ends; the signal's reason */
  async call(method: string, params: object, signal: AbortSignal): Promise<{ result: unknown; body: Uint8Array }> {
    signal.throwIfAborted()
    if (!this.#isOpen) throw kernelGone()
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#calls.delete(id)
        reject(signal.reason)
      }
      const settle = () => {
        this.#calls.delete(id)
        signal.removeEventListener('abort', leave)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#calls.set(id, {
        resolve: (answer) => {
          settle()
          resolve(answer)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      })
      this.#send({ header: { jsonrpc: '2.0', id, method, params } }).catch((error) =>
        this.#calls.get(id)?.reject(error),
      )
    })
  }

  /** Nothing more is sent; calls under way end with `kernel_gone`. */
  close(): void {
    this.#isOpen = false
    for (const call of [...this.#calls.values()]) call.reject(kernelGone())
    for (const { written } of [...this.#control.splice(0), ...this.#bulk.splice(0)]) written()
  }

  #receive({ header, body }: Frame, serve: Serve): void {
    const { id, method, params } = header
    if (typeof method === 'string') void this.#serve({ id, method, message: { params, body } }, serve)
    else if (typeof id === 'number') this.#settleCall(id, header, body)
  }

  async #serve(
    { id, method, message }: { id: unknown; method: string; message: Message },
    serve: Serve,
  ): Promise<void> {
    const isRequest = typeof id === 'number' || typeof id === 'string'
    try {
      const answer = await serve(method, message)
      if (!isRequest) return
      const header = { jsonrpc: '2.0', id, result: answer?.result ?? {} }
      await this.#send({ header, body: answer?.body ?? EMPTY, isBulk: answer?.body !== undefined })
    } catch (error) {
      if (isRequest) await this.#send({ header: { jsonrpc: '2.0', id, error: asErrorBody(error) } })
    }
  }

  #settleCall(id: number, header: Record<string, unknown>, body: Uint8Array): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    if (header.error === undefined) call.resolve({ result: header.result, body })
    else call.reject(asError(header.error))
  }

  async #send({ header, body = EMPTY, replaces, isBulk = false }: Outgoing): Promise<void> {
    if (!this.#isOpen) return
    const frames = begin(cutMessage(header, body, this.#nextStream++))
    await new Promise<void>((written) => {
      this.#enqueue(isBulk ? this.#bulk : this.#control, { frames, name: replaces ?? null, written })
      if (!this.#isWriting) void this.#write()
    })
  }

  #enqueue(queue: Waiting[], added: Waiting): void {
    const place = added.name === null ? -1 : queue.findIndex(({ name }) => name === added.name)
    const replaced = queue[place]
    if (replaced === undefined) queue.push(added)
    else {
      replaced.written()
      queue[place] = added
    }
  }

  /** One frame at a time, so that control never waits for more than one part of a bulky message. */
  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#isOpen) {
      const queue = this.#control.length > 0 ? this.#control : this.#bulk
      const waiting = queue[0]
      if (waiting === undefined) break
      const next = waiting.frames.next()
      // A message whose first part is out may no longer be replaced.
      waiting.name = null
      if (next.done === true) {
        queue.shift()
        waiting.written()
      } else {
        await this.#writeFrame(next.value)
      }
    }
    this.#isWriting = false
  }

  #writeFrame([head, body]: FramePieces): Promise<void> {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(head.byteLength + body.byteLength)
    // A broken output ends the waiting too: the process then learns of the kernel's end from its input.
    return new Promise((resolve) => {
      this.#output.cork()
      this.#output.write(length)
      this.#output.write(head)
      this.#output.write(body, () => resolve())
      this.#output.uncork()
    })
  }
}

/** The first frame now, so that whoever says too much hears of it; the others when they are written: none is there twice. */
function begin(frames: Iterator<FramePieces>): Iterator<FramePieces> {
  const first = frames.next()
  let isBegun = false
  return {
    next() {
      if (isBegun) return frames.next()
      isBegun = true
      return first
    },
  }
}

function kernelGone(): ProtocolError<'kernel_gone'> {
  return new ProtocolError('kernel_gone', 'The notebook kernel has ended. Run the cell again.')
}

function asErrorBody(error: unknown): { code: string; message: string } {
  if (error instanceof ProtocolError) return { code: error.code, message: error.message }
  return { code: 'internal', message: 'The viewer server failed at this. viewer.debug_connection() shows its log.' }
}

function asError(value: unknown): Error {
  const { code, message } = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {} // fields stay unknown
  return new ProtocolError(
    isErrorCode(code) ? code : 'internal',
    typeof message === 'string' ? message : 'The kernel failed.',
  )
}
