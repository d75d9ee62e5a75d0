import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'

export type Asked = { path: string; headers?: Record<string, string> }

/** What a number of clients saw together. */
export type Load = { perSecond: number; megabytesPerSecond: number; p50Ms: number; p99Ms: number }

/** Connections that are kept, so many at most. */
export function clientsOf(count: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: count })
}

/** One answer, whole. @throws Error for any status but 200 and 206 */
export function get(agent: Agent, base: string, { path, headers = {} }: Asked): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${base}${path}`, { agent, headers }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200 || response.statusCode === 206) resolve(Buffer.concat(pieces))
        else
          reject(
            new Error(`${path} answered ${response.statusCode}: ${Buffer.concat(pieces).toString().slice(0, 200)}`),
          )
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/**
 * Ask again and again, by so many clients at once, until all was asked. By hand over sockets: the clients share the
 * cores with the server, so what they cost would otherwise be most of what is measured.
 */
export async function load(
  base: string,
  asked: (place: number) => Asked,
  { clients, requests }: { clients: number; requests: number },
): Promise<Load> {
  const times: number[] = []
  let bytes = 0
  let next = 0
  const work = async () => {
    const client = await SocketClient.open(base)
    while (next < requests) {
      const question = client.spell(asked(next++))
      const startMs = performance.now()
      bytes += await client.ask(question)
      times.push(performance.now() - startMs)
    }
    client.end()
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: clients }, work))
  const seconds = (performance.now() - startMs) / 1000
  return {
    perSecond: requests / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  }
}

/**
 * One connection; a question, then its answer, which says how long it is. What comes is counted and let go, in the same
 * memory for all: a client that kept it would be measured too.
 */
export class SocketClient {
  readonly #socket: Socket
  readonly #host: string
  #head = ''
  /** Bytes of the body that are still to come; `null` before the end of the head. */
  #left: number | null = null
  #length = 0
  #answered: { resolve: (bytes: number) => void; reject: (error: Error) => void } | null = null

  private constructor({ hostname, port, host }: URL, opened: (client: SocketClient) => void) {
    this.#host = host
    const callback = (bytes: number, buffer: Uint8Array) => {
      this.#take(Buffer.from(buffer.buffer, 0, bytes))
      return true
    }
    const onread = { buffer: MEMORY, callback }
    this.#socket = connect({ port: Number(port), host: hostname, noDelay: true, onread }, () => opened(this))
    this.#socket.on('error', (error) => this.#answered?.reject(error))
    this.#socket.on('close', () => this.#answered?.reject(new Error('The server closed the connection.')))
    this.#socket.resume()
  }

  static open(base: string): Promise<SocketClient> {
    return new Promise((resolve) => new SocketClient(new URL(base), resolve))
  }

  spell({ path, headers = {} }: Asked): string {
    const lines = Object.entries({ host: this.#host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    return `GET /${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  }

  /** @returns how many bytes the body had */
  ask(question: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject }
      this.#socket.write(question, 'latin1')
    })
  }

  end(): void {
    this.#answered = null
    this.#socket.destroy()
  }

  #take(piece: Buffer): void {
    let bodyBytes = piece.length
    if (this.#left === null) {
      const before = this.#head.length
      this.#head += piece.toString('latin1', 0, MAX_HEAD_BYTES)
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      bodyBytes = piece.length - (end + 4 - before)
      this.#left = this.#length = lengthOf(this.#head.slice(0, end))
    }
    this.#left -= bodyBytes
    if (this.#left > 0) return
    this.#head = ''
    this.#left = null
    const answered = this.#answered
    this.#answered = null
    answered?.resolve(this.#length)
  }
}

const MAX_HEAD_BYTES = 2048
/** Read into and let go, before anything else is read. */
const MEMORY = new Uint8Array(1 << 20)

/** @throws Error for any status but 200 and 206 */
function lengthOf(head: string): number {
  if (!/^HTTP\/1\.[01] 20[06] /.test(head)) throw new Error(`Answered ${head.slice(0, 200)}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error('Answered without a length.')
  return Number(length)
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}
