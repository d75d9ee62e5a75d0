import { TUNNEL_LIMITS } from '../../protocol/comm.ts'
import { ROUTES } from '../../protocol/urls.ts'
import type { KernelLink, TunnelResponse } from './kernel-link.ts'

export type TunnelRequest = {
  method: 'GET' | 'POST' | 'PUT'
  /** Relative to the base, with its query. */
  path: string
  headers: Readonly<Record<string, string>>
  body: Uint8Array | null
}
/** Header names as the server wrote them, in lower case. */
export type TunnelAnswer = { status: number; headers: Record<string, string>; body: Uint8Array<ArrayBuffer> }

/** When nothing came back for this long, requests wait for the running cell. */
const STALL_MS = 2_000

type Waiting = {
  request: TunnelRequest
  resolve(answer: TunnelAnswer): void
  reject(error: Error): void
  /** Of the next time it is asked. */
  timer: number
  /** How often it was asked. */
  count: number
  firstSentAt: number
  lastSentAt: number
  isPoll: boolean
}

/**
 * HTTP over the comm, for one view: the browser's end. Requests carry ids of this view and are asked again until they
 * are answered, since a busy front end drops messages without a word.
 */
export class Tunnel {
  readonly #link: KernelLink
  readonly #view: string
  readonly #partBytes: () => number
  readonly #tellStalled: (isStalled: boolean) => void
  readonly #close = new AbortController()
  readonly #waiting = new Map<number, Waiting>()
  /** Resolvers of requests that wait for one of the few places. */
  readonly #queue: (() => void)[] = []
  #inFlight = 0
  #stall: number | null = null
  #isStalled = false
  /** From question to answer of late, the slow ones weighing more; milliseconds. */
  #usualMs = 0

  /** @param partBytes the largest body of one message, either way, as it is known by now */
  constructor(
    link: KernelLink,
    {
      view,
      partBytes,
      tellStalled,
    }: { view: string; partBytes: () => number; tellStalled: (isStalled: boolean) => void },
  ) {
    this.#link = link
    this.#view = view
    this.#partBytes = partBytes
    this.#tellStalled = tellStalled
    const { signal } = this.#close
    link.listen(
      {
        response: (response) => this.#receive(response),
        bodyLost: ({ view: whose, id }) => {
          if (whose === view) this.#send(id)
        },
        dead: () => this.close(),
      },
      signal,
    )
    const alive = setInterval(() => link.send({ kind: 'alive', view }), TUNNEL_LIMITS.aliveEveryMs)
    signal.addEventListener('abort', () => clearInterval(alive))
  }

  /** Give up all that waits; the kernel is not told, its answers are dropped. */
  close(): void {
    if (this.#close.signal.aborted) return
    this.#close.abort()
    this.#watchStall()
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Error(KERNEL_GONE))
    }
    this.#waiting.clear()
  }

  /**
   * One request. A large answer is fetched in parts without the caller seeing any of it.
   * @throws Error with a sentence for the user when the request cannot be carried; the signal's reason when it aborts
   */
  async fetch(request: TunnelRequest, signal: AbortSignal): Promise<TunnelAnswer> {
    const isWhole = request.method === 'GET' && !isPoll(request) && !hasRange(request)
    if (!isWhole) return await this.#exchange(request, signal)
    const first = await this.#exchange(withRange(request, 0, this.#partBytes()), signal)
    const total = first.status === 206 ? totalBytes(first) : null
    if (total === null) return first
    return await this.#fetchRest(request, { first, total, signal })
  }

  async #fetchRest(
    request: TunnelRequest,
    { first, total, signal }: { first: TunnelAnswer; total: number; signal: AbortSignal },
  ): Promise<TunnelAnswer> {
    const partBytes = this.#partBytes()
    const body = new Uint8Array(total)
    body.set(first.body)
    const starts: number[] = []
    for (let start = first.body.byteLength; start < total; start += partBytes) starts.push(start)
    await Promise.all(
      starts.map(async (start) => {
        const part = await this.#exchange(withRange(request, start, partBytes, first.headers.etag), signal)
        if (part.status !== 206 || part.body.byteLength !== Math.min(partBytes, total - start)) {
          throw new Error('The data changed while it was being read through the notebook: ask again')
        }
        body.set(part.body, start)
      }),
    )
    const { 'content-range': _range, 'content-length': _length, ...headers } = first.headers
    return { status: 200, headers, body }
  }

  /** One message there, one back. */
  async #exchange(request: TunnelRequest, signal: AbortSignal): Promise<TunnelAnswer> {
    if ((request.body?.byteLength ?? 0) > this.#partBytes()) {
      throw new Error(`A request of ${request.body?.byteLength} bytes is more than the notebook's connection carries`)
    }
    await this.#takePlace()
    try {
      signal.throwIfAborted()
      if (this.#close.signal.aborted) throw new Error(KERNEL_GONE)
      return await this.#ask(request, signal)
    } finally {
      this.#leavePlace()
    }
  }

  async #takePlace(): Promise<void> {
    if (this.#inFlight >= TUNNEL_LIMITS.inFlight) await new Promise<void>((go) => this.#queue.push(go))
    else this.#inFlight++
  }

  /** Hand the place over to who waits longest, else free it. */
  #leavePlace(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#inFlight--
    else next()
  }

  #ask(request: TunnelRequest, signal: AbortSignal): Promise<TunnelAnswer> {
    const id = this.#link.nextRequestId()
    return new Promise<TunnelAnswer>((resolve, reject) => {
      const firstSentAt = performance.now()
      const times = { timer: 0, count: 0, firstSentAt, lastSentAt: firstSentAt }
      this.#waiting.set(id, { request, resolve, reject, ...times, isPoll: isPoll(request) })
      signal.addEventListener('abort', () => this.#settle(id)?.reject(signal.reason), { once: true })
      this.#send(id)
      this.#watchStall()
    })
  }

  #send(id: number): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    const { method, path, headers, body } = waiting.request
    waiting.lastSentAt = performance.now()
    waiting.count++
    // A front end may lose a message for its buffer (Panel's does): asked again it has none.
    const isAgain = waiting.count > 1
    this.#link.fetch({ view: this.#view, id, method, path, headers: { ...headers } }, body, isAgain)
    this.#sendLater(id, waiting)
  }

  /** Where answers take long, so does it take to know that one is lost: asking earlier would only add to the queue. */
  #sendLater(id: number, waiting: Waiting): void {
    const delays = TUNNEL_LIMITS.resendAfterMs
    const longest = delays[delays.length - 1] ?? 0
    const delay = delays[waiting.count - 1] ?? longest
    clearTimeout(waiting.timer)
    waiting.timer = window.setTimeout(() => this.#send(id), Math.min(longest, Math.max(delay, 2 * this.#usualMs)))
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }

  #receive(response: TunnelResponse): void {
    if (response.view !== this.#view) return // Another view's, or another tab's.
    const { status, headers, body } = response
    const answered = this.#settle(response.id)
    if (answered !== undefined && !answered.isPoll) this.#noteAnswer(answered)
    answered?.resolve({ status, headers: lowerCaseNames(headers), body })
    this.#watchStall()
    this.#setStalled(false)
  }

  /** What was asked after it stands behind it in the same line, and is not late before its own turn. */
  #noteAnswer({ firstSentAt, lastSentAt }: Waiting): void {
    const tookMs = performance.now() - firstSentAt
    this.#usualMs = Math.max(tookMs, (3 * this.#usualMs + tookMs) / 4)
    for (const [id, waiting] of this.#waiting) if (waiting.lastSentAt >= lastSentAt) this.#sendLater(id, waiting)
  }

  /** A poll is silent by design; whatever else waits should be answered soon. */
  #watchStall(): void {
    clearTimeout(this.#stall ?? undefined)
    this.#stall = null
    const waits = !this.#close.signal.aborted && [...this.#waiting.values()].some((waiting) => !waiting.isPoll)
    if (waits) this.#stall = window.setTimeout(() => this.#setStalled(true), STALL_MS)
  }

  #setStalled(isStalled: boolean): void {
    if (this.#isStalled === isStalled) return
    this.#isStalled = isStalled
    this.#tellStalled(isStalled)
  }
}

const KERNEL_GONE = 'The connection to the kernel is gone: run the cell again'

function isPoll({ path }: TunnelRequest): boolean {
  return path.startsWith(ROUTES.commands)
}

function hasRange({ headers }: TunnelRequest): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'range')
}

function withRange(request: TunnelRequest, start: number, bytes: number, etag?: string): TunnelRequest {
  const range = { Range: `bytes=${start}-${start + bytes - 1}` }
  return { ...request, headers: { ...request.headers, ...range, ...(etag === undefined ? {} : { 'If-Range': etag }) } }
}

/** Of a 206; `null` when it does not say, or says what cannot be. */
function totalBytes({ headers, body }: TunnelAnswer): number | null {
  const total = Number(/^bytes 0-\d+\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1])
  return Number.isSafeInteger(total) && total >= body.byteLength && total <= MAX_BODY_BYTES ? total : null
}

/** No answer of ours is larger: bounds what a broken length could make the browser allocate. */
const MAX_BODY_BYTES = 1 << 30

function lowerCaseNames(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
