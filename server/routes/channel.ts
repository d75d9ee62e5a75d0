import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import type { RawData, WebSocket } from 'ws'
import {
  CHANNEL_LIMITS,
  type Challenge,
  CLOSE_CODES,
  pageMessageSchema,
  type ServerMessage,
} from '../../protocol/channel.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { decodeFrame, encodeFrame } from '../../protocol/frame.ts'
import { derivedKey, type HandshakeFacts, pageProof, parseSecretName, serverProof } from '../../protocol/handshake.ts'
import { equalInConstantTime, makeNonce, parseNonce, parseViewerId } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { type Authority, authorityText } from '../access/authority.ts'
import type { KeyHolder } from '../access/page-keys.ts'
import { errorBody } from '../http/error-reply.ts'
import { PageRequests } from '../http/page-requests.ts'
import { type AppParts, admissionOf } from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'
import type { Log } from '../process/log.ts'
import { closeSocket, SocketCarrier } from '../viewers/channel-transport.ts'
import type { Hello } from '../viewers/page-channel.ts'
import type { Viewer } from '../viewers/viewer.ts'
import type { PageSecret, Viewers } from '../viewers/viewer-registry.ts'

/** RFC 6455: come back later. */
const TRY_AGAIN_LATER = 1013
/** RFC 6455: the fault is the server's. */
const INTERNAL_ERROR = 1011

/**
 * The channel over one WebSocket. Its URL holds a nonce and the public name of a secret; both ends prove that they know
 * the secret, the server first, before anything else is said. See protocol/handshake.ts.
 */
export function channelRoute(app: FastifyInstance, parts: AppParts): void {
  const unproven = new Set<WebSocket>()
  const wsHandler: WebsocketHandler = (socket, request) => {
    // A broken frame ends the socket; without a listener it would end the process.
    socket.on('error', (error) => parts.log.debug('A channel broke', { error }))
    const { host } = admissionOf(request)
    const claim = challenge(socket, request.query, host, parts.viewers)
    if (claim === null) return turnAway(socket)
    app.strangers.release(request.raw.socket)
    unproven.add(socket)
    const [oldest] = unproven
    if (oldest !== undefined && unproven.size > LIMITS.unprovenChannels) {
      unproven.delete(oldest)
      oldest.close(TRY_AGAIN_LATER, 'Too many pages connect at once.')
      oldest.terminate()
    }
    const deadline = setTimeout(
      () => socket.close(CLOSE_CODES.unknownKey, 'No hello came.'),
      CHANNEL_LIMITS.helloTimeoutMs,
    )
    socket.once('close', () => {
      clearTimeout(deadline)
      unproven.delete(socket)
    })
    socket.once('message', (data, isBinary) => {
      clearTimeout(deadline)
      runGuarded(socket, parts.log, () => {
        const hello = parseHello(data, isBinary)
        const holder = letIn(hello, claim)
        const viewer = holder === null ? null : parts.viewers.get(holder.viewerId)
        if (holder === null || viewer === null) return turnAway(socket)
        unproven.delete(socket)
        runPage(socket, hello, { viewer, holder, host: authorityText(host), app, parts })
      })
    })
  }
  app.route({
    method: 'GET',
    url: `/${ROUTES.channel}`,
    exposeHeadRoute: false,
    wsHandler,
    // No upgrade was asked for.
    handler: (_request, reply) => reply.code(400).send(errorBody('bad_request')),
  })
}

/** @throws ProtocolError */
function parseHello(data: RawData, isBinary: boolean): Hello {
  const bytes = bytesOf(data)
  if (bytes.byteLength > CHANNEL_LIMITS.helloBytes) throw new ProtocolError('too_large', 'The hello is too large.')
  const parsed = isBinary ? v.safeParse(pageMessageSchema, decodeFrame(bytes).header) : null
  if (parsed?.success === true && parsed.output.kind === 'hello') return parsed.output
  throw new ProtocolError('bad_frame', 'The channel must begin with a hello. Reload the page.')
}

/** In a message too: proxies lose the code. */
function turnAway(socket: WebSocket): void {
  const reason = 'This page is not known any more.'
  const message: ServerMessage = { kind: 'ended', reason }
  socket.send(encodeFrame(message), { binary: true })
  socket.close(CLOSE_CODES.unknownKey, reason)
}

const claimQuery = v.object({ viewerId: v.string(), by: v.string(), nonce: v.string(), frame: v.optional(v.string()) })

/** Who a page says it is, until it has proven it. */
type Claim = { secret: PageSecret; facts: HandshakeFacts }

/** Prove this server first. @returns `null` for a secret that is not known here: there is nothing to prove by */
function challenge(socket: WebSocket, query: unknown, host: Authority, viewers: Viewers): Claim | null {
  const parsed = v.safeParse(claimQuery, query)
  if (!parsed.success) return null
  const { viewerId: id, by, nonce, frame } = parsed.output
  const [viewerId, name, pageNonce] = [parseViewerId(id), parseSecretName(by), parseNonce(nonce)]
  if (viewerId === null || name === null || pageNonce === null || !viewers.isReachedBy(host, viewerId)) return null
  const secret = viewers.secretNamed(viewerId, name, parseNonce(frame))
  if (secret === null) return null
  const { instanceId } = viewers
  const facts = { viewerId, instanceId, pageNonce, serverNonce: makeNonce() }
  const proof = serverProof(secret.key, facts)
  const message: Challenge = {
    kind: 'challenge',
    protocol: PROTOCOL_VERSION,
    instanceId,
    nonce: facts.serverNonce,
    proof,
  }
  socket.send(encodeFrame(message), { binary: true })
  return { secret, facts }
}

/** @returns `null` when the page's proof does not hold, or its secret was used up meanwhile */
function letIn({ proof, isFresh }: Hello, { secret, facts }: Claim): KeyHolder | null {
  if (proof === undefined || !equalInConstantTime(proof, pageProof(secret.key, facts))) return null
  return secret.open(isFresh === true ? derivedKey(secret.key, facts) : null)
}

type Entrant = { viewer: Viewer; holder: KeyHolder; host: string; app: FastifyInstance; parts: AppParts }

function runPage(socket: WebSocket, hello: Hello, { viewer, holder, host, app, parts }: Entrant): void {
  const carrier = new SocketCarrier(socket)
  const page = viewer.page(holder.id)
  const proven = { holder }
  const requests = new PageRequests({
    inner: app.inner,
    socket: proven,
    host,
    answer: (head, body) => page.send(head, body),
  })
  socket.once('close', () => {
    page.closed(carrier)
    parts.viewers.tickets.end(proven)
  })
  socket.on('message', (data, isBinary) => {
    runGuarded(socket, parts.log, () => {
      if (!isBinary) throw new ProtocolError('bad_frame', 'The channel carries binary frames. Reload the page.')
      page.receive(bytesOf(data))
    })
    if (!viewer.backlog.isFull || socket.isPaused) return
    // The kernel does not keep up: the page's own queue knows what may be dropped.
    socket.pause()
    void viewer.backlog.untilRoom().then(() => socket.resume())
  })
  page.open(carrier, hello, requests)
}

/** What a page may not say ends its socket and nothing else, also where it meets a fault of ours. */
function runGuarded(socket: WebSocket, log: Log, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ProtocolError)) {
      log.error('A message of a page failed', { error })
      closeSocket(socket, INTERNAL_ERROR, errorBody('internal').message)
      return
    }
    closeSocket(socket, error.code === 'too_large' ? CLOSE_CODES.tooLarge : CLOSE_CODES.protocolError, error.message)
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
