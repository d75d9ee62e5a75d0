import type { WebsocketHandler } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import type { RawData, WebSocket } from 'ws'
import { CHANNEL_LIMITS, CLOSE_CODES, pageMessageSchema } from '../../protocol/channel.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { decodeFrame } from '../../protocol/frame.ts'
import { parsePageKey } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import type { Authority } from '../authority.ts'
import { closeSocket, SocketCarrier } from '../carrier.ts'
import type { Hello, PageChannel } from '../channel.ts'
import { errorBody } from '../error-reply.ts'
import { LIMITS } from '../limits.ts'
import { type AppParts, admissionOf } from '../request-context.ts'
import type { Viewer } from '../viewer.ts'
import type { Viewers } from '../viewers.ts'

/** RFC 6455: come back later. */
const TRY_AGAIN_LATER = 1013

/** The channel over one WebSocket, whose URL holds no secret: the key comes in the first frame. */
export function channelRoute(app: FastifyInstance, parts: AppParts): void {
  let unproven = 0
  const wsHandler: WebsocketHandler = (socket, request) => {
    // A broken frame ends the socket; without a listener it would end the process.
    socket.on('error', (error) => parts.log.debug('A channel broke', { error }))
    if (unproven >= LIMITS.unprovenChannels) return socket.close(TRY_AGAIN_LATER, 'Too many pages connect at once.')
    unproven++
    const { host } = admissionOf(request)
    const deadline = setTimeout(
      () => socket.close(CLOSE_CODES.unknownKey, 'No hello came.'),
      CHANNEL_LIMITS.helloTimeoutMs,
    )
    let hasSpoken = false
    const spoke = () => {
      if (!hasSpoken) unproven--
      hasSpoken = true
      clearTimeout(deadline)
    }
    socket.once('close', spoke)
    socket.once('message', (data, isBinary) => {
      spoke()
      runGuarded(socket, () => {
        const hello = parseHello(data, isBinary)
        const opened = findPage(hello, host, parts.viewers)
        if (opened === null) socket.close(CLOSE_CODES.unknownKey, 'This page is not known any more.')
        else runPage(socket, hello, opened)
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

function findPage(hello: Hello, host: Authority, viewers: Viewers): { viewer: Viewer; page: PageChannel } | null {
  const key = parsePageKey(hello.pageKey)
  const holder = key === null ? null : viewers.keys.find(key)
  const viewer = holder === null ? null : viewers.get(holder.viewerId)
  if (holder === null || viewer === null || viewer.id !== hello.viewerId) return null
  if (!viewers.isReachedBy(host, viewer.id)) return null
  viewers.keys.touch(holder.id)
  return { viewer, page: viewer.page(holder.id) }
}

function runPage(socket: WebSocket, hello: Hello, { viewer, page }: { viewer: Viewer; page: PageChannel }): void {
  const carrier = new SocketCarrier(socket)
  socket.once('close', () => page.closed(carrier))
  socket.on('message', (data, isBinary) => {
    runGuarded(socket, () => {
      if (!isBinary) throw new ProtocolError('bad_frame', 'The channel carries binary frames. Reload the page.')
      page.receive(bytesOf(data))
    })
    if (!viewer.backlog.isFull || socket.isPaused) return
    // The kernel does not keep up: the page's own queue knows what may be dropped.
    socket.pause()
    void viewer.backlog.untilRoom().then(() => socket.resume())
  })
  page.open(carrier, hello)
}

/** What a page may not say ends its socket and nothing else. */
function runGuarded(socket: WebSocket, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    closeSocket(socket, error.code === 'too_large' ? CLOSE_CODES.tooLarge : CLOSE_CODES.protocolError, error.message)
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
