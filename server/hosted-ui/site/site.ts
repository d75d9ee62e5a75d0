import { AsyncLocalStorage } from 'node:async_hooks'
import type { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import Fastify, { type FastifyInstance } from 'fastify'
import { Agent } from 'undici'
import { codeOf, messageOf } from '../../../protocol/errors.ts'
import { HOSTED_LIMITS } from '../limits.ts'
import { lookupPublic, PrivateAddressError, type Source } from './site-address.ts'
import { SiteError } from './site-error.ts'
import { hostedType, isHostedPath } from './site-paths.ts'

export type SiteFile = { bytes: Buffer; type: string }
type Order = { path: string; signal: AbortSignal; outcome: PromiseWithResolvers<SiteFile> }

/** All that goes up: nothing of the user's, and the same for everybody. */
const REQUEST_HEADERS = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'cellucid-notebook' }

/** The hosted viewer's site. Every file is fetched whole and looked at before anybody sees a byte of it. */
export class Site {
  readonly source: Source
  readonly #orders = new AsyncLocalStorage<Order>()
  readonly #agent: Agent
  readonly #app: Promise<FastifyInstance>

  constructor(source: Source) {
    this.source = source
    const { protocol } = new URL(source)
    this.#agent = new Agent({
      connections: HOSTED_LIMITS.parallelFetches,
      headersTimeout: HOSTED_LIMITS.firstByteTimeoutMs,
      bodyTimeout: HOSTED_LIMITS.stallTimeoutMs,
      // A loopback literal needs no look-up, and is the only place that plain http goes to.
      connect: {
        timeout: HOSTED_LIMITS.connectTimeoutMs,
        ...(protocol === 'https:' ? { lookup: lookupPublic } : {}),
      },
    })
    this.#app = this.#makeProxy()
  }

  /** @param path of the closed list. @throws SiteError; the signal's reason */
  async fetch(path: string, signal: AbortSignal): Promise<SiteFile> {
    if (!isHostedPath(path)) throw new SiteError('refused', `${path} is none of the viewer's files.`)
    signal.throwIfAborted()
    const app = await this.#app
    const outcome = Promise.withResolvers<SiteFile>()
    const limit = AbortSignal.timeout(HOSTED_LIMITS.totalTimeoutMs)
    const order: Order = { path, signal: AbortSignal.any([signal, limit]), outcome }
    const url = `${new URL(this.source).pathname.replace(/\/$/, '')}/${path}`
    // Also where the proxy itself fails before it asks anybody.
    this.#orders.run(order, () => {
      app
        .inject({ method: 'GET', url })
        .then(
          () => outcome.reject(new SiteError('unreachable', `${this.source} was not asked for ${path}.`)),
          outcome.reject,
        )
    })
    try {
      return await outcome.promise
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof SiteError ? error : this.#unreachable(path, error)
    }
  }

  async close(): Promise<void> {
    await (await this.#app).close()
    await this.#agent.destroy()
  }

  /** A proxy that listens nowhere: its answers go to who gave the order, checked. */
  async #makeProxy(): Promise<FastifyInstance> {
    const app = Fastify({ logger: false })
    await app.register(httpProxy, {
      upstream: new URL(this.source).origin,
      httpMethods: ['GET'],
      websocket: false,
      disableCache: true,
      // Its own client is one that we made: it knows the address that was looked at, its certificate and our times.
      undici: { request: this.#request } as unknown as Agent, // all that is ever called of it
      replyOptions: {
        retryDelay: () => null,
        rewriteRequestHeaders: () => ({ ...REQUEST_HEADERS }),
        rewriteHeaders: () => ({}),
        onResponse: (_request, reply, answer) => void this.#take(reply as Reply, answer as unknown as UpstreamAnswer),
        onError: (reply, { error }) => this.#fail(reply as Reply, error),
      },
    })
    return app
  }

  readonly #request = (options: object, callback: (error: Error | null, answer?: unknown) => void) => {
    const signal = this.#orders.getStore()?.signal
    this.#agent.request(
      { ...(options as Parameters<Agent['request']>[0]), signal: signal ?? null },
      (error, answer) => {
        // Below, this header is gone.
        if (answer?.headers?.['transfer-encoding'] !== undefined) answer.headers['x-is-chunked'] = '1'
        callback(error, answer)
      },
    )
  }

  async #take(reply: Reply, answer: UpstreamAnswer): Promise<void> {
    const order = this.#orders.getStore()
    try {
      if (order === undefined) throw new Error('An answer without a question.')
      const type = this.#judge(order.path, answer)
      const bytes = await this.#readWhole(order.path, answer)
      order.outcome.resolve({ bytes, type })
    } catch (error) {
      answer.stream.on('error', () => undefined).destroy()
      order?.outcome.reject(error)
    } finally {
      done(reply)
    }
  }

  #fail(reply: Reply, error: Error): void {
    this.#orders.getStore()?.outcome.reject(error)
    done(reply)
  }

  /** @returns the type to serve it with. @throws SiteError */
  #judge(path: string, { statusCode, headers }: UpstreamAnswer): string {
    const asked = `${this.source}/${path}`
    if (statusCode === 404 || statusCode === 410) throw new SiteError('absent', `${asked} is not there.`)
    if (statusCode >= 300 && statusCode < 400) {
      throw new SiteError('refused', `${asked} leads elsewhere (status ${statusCode}), where nothing is fetched.`)
    }
    if (statusCode !== 200) {
      const isPassing = statusCode >= 500
      throw new SiteError('unreachable', `${asked} was answered with status ${statusCode}.`, { isPassing })
    }
    const encoding = headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity') throw new SiteError('refused', `${asked} came packed, which was not asked for.`)
    const type = hostedType(path, headers['content-type'])
    if (type !== null) return type
    const said = (headers['content-type'] ?? 'no type').slice(0, 100)
    throw new SiteError(
      'refused',
      `${asked} came as ${said}: another page answered in its place, as networks do that want a login.`,
    )
  }

  /** @throws SiteError when it is too large, or its end cannot be told; the stream's error when it ends early */
  async #readWhole(path: string, { headers, stream }: UpstreamAnswer): Promise<Buffer> {
    const asked = `${this.source}/${path}`
    const length = headers['content-length'] === undefined ? null : Number(headers['content-length'])
    if (length === null && headers['x-is-chunked'] === undefined) {
      throw new SiteError('refused', `${asked} came without its length, so that nobody can tell whether it is whole.`)
    }
    const limit = Math.min(length ?? HOSTED_LIMITS.fileBytes, HOSTED_LIMITS.fileBytes)
    if (length !== null && length > limit) throw tooLarge(asked)
    const chunks: Buffer[] = []
    let byteLength = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      byteLength += chunk.length
      if (byteLength > limit) throw tooLarge(asked)
      chunks.push(chunk)
    }
    if (length === null || byteLength === length) return Buffer.concat(chunks)
    throw new SiteError('unreachable', `${asked} ended after ${byteLength} of ${length} bytes.`, { isPassing: true })
  }

  #unreachable(path: string, cause: unknown): SiteError {
    const reason = wordsOf(cause)
    const isPassing = reason.isPassing
    return new SiteError('unreachable', `${this.source} ${reason.text} (asked for ${path}).`, { isPassing, cause })
  }
}

/** The proxy's own reply, which nobody reads. */
type Reply = { code(status: number): { send(): unknown } }

function done(reply: Reply): void {
  reply.code(204).send()
}

type UpstreamAnswer = { statusCode: number; headers: Record<string, string | undefined>; stream: Readable }

function tooLarge(asked: string): SiteError {
  return new SiteError('refused', `${asked} has more than the ${HOSTED_LIMITS.fileBytes >> 20} MB that are taken.`)
}

/** What a network error means; the innermost one knows. */
function wordsOf(error: unknown): { text: string; isPassing: boolean } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = String(codeOf(cause) ?? '')
  const message = messageOf(cause)
  if (cause instanceof PrivateAddressError) {
    return { text: 'leads into a private network, where nothing is fetched', isPassing: false }
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { text: 'cannot be found: is there a network?', isPassing: false }
  if (code === 'ECONNREFUSED' || code === 'ENETUNREACH' || code === 'EHOSTUNREACH') {
    return { text: 'cannot be reached', isPassing: false }
  }
  if (/TIMEOUT/i.test(code) || /timeout/i.test(message)) return { text: 'did not answer in time', isPassing: false }
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') {
    return { text: 'broke the connection', isPassing: true }
  }
  if (/certificate|CERT|SELF_SIGNED/i.test(`${code} ${message}`)) {
    return { text: `has a certificate that is not trusted (${code || message})`, isPassing: false }
  }
  return { text: `did not answer (${message})`, isPassing: false }
}
