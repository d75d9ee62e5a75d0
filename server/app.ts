import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import fastifyStatic from '@fastify/static'
import fastifyWebsocket from '@fastify/websocket'
import Fastify, { type ConnectionError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { MAX_FRAME_BYTES } from '../protocol/frame.ts'
import { type Admission, admit, type RawRequest, type Refusal } from './access/gate.ts'
import { Strangers } from './access/strangers.ts'
import { hostedFileRoutes, hostedRoute } from './hosted-ui/routes.ts'
import { errorBody, replyError } from './http/error-reply.ts'
import { DATA_HEADERS } from './http/headers.ts'
import { InnerRequests } from './http/inner-requests.ts'
import type { AppParts } from './http/request-context.ts'
import { refuseSocket } from './http/socket-refusal.ts'
import { LIMITS } from './process/limits.ts'
import { channelRoute } from './routes/channel.ts'
import { columnRoutes } from './routes/columns.ts'
import { embeddingRoute } from './routes/embedding.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoute } from './routes/health.ts'
import { identityRoute } from './routes/identity.ts'
import { infoRoute } from './routes/info.ts'
import { keyRoute } from './routes/key.ts'
import { nameRoutes } from './routes/names.ts'
import { pageRoute } from './routes/page.ts'
import { snapshotRoute } from './routes/snapshot.ts'
import { ticketRoute } from './routes/ticket.ts'

const ROUTE_MODULES = [
  pageRoute,
  healthRoute,
  infoRoute,
  keyRoute,
  identityRoute,
  embeddingRoute,
  columnRoutes,
  nameRoutes,
  eventRoutes,
  channelRoute,
  ticketRoute,
  snapshotRoute,
  hostedRoute,
  hostedFileRoutes,
]

/** The application with its gate and its routes; it does not listen. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    trustProxy: false,
    return503OnClosing: true,
    forceCloseConnections: true,
    bodyLimit: LIMITS.jsonBodyBytes,
    requestTimeout: LIMITS.requestTimeoutMs,
    connectionTimeout: LIMITS.connectionTimeoutMs,
    keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    maxRequestsPerSocket: LIMITS.requestsPerSocket,
    http: {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: LIMITS.connectionsCheckIntervalMs,
      // The gate refuses a missing Host, with our headers on the answer.
      requireHostHeader: false,
      // Without a body, and so most of them, a request is no stream to be read to its end.
      optimizeEmptyRequests: true,
    },
    clientErrorHandler: refuseBroken,
    frameworkErrors: (_error, request, reply) => void refuseUnrouted(parts, request, reply),
  })
  app.server.maxConnections = LIMITS.sockets
  // One more than allowed, so that the gate sees that there are too many; Node drops the rest without a word.
  app.server.maxHeadersCount = LIMITS.headerLines + 1
  // An expectation goes the way of every request, to be refused by the gate.
  for (const event of ['checkContinue', 'checkExpectation']) {
    app.server.on(event, (request, response) => app.server.emit('request', request, response))
  }
  app.decorate('inner', new InnerRequests(app))
  app.decorate('strangers', new Strangers(LIMITS.strangers))
  app.server.on('connection', (socket) => app.strangers.enter(socket))
  // Before the gate, whose hook asks whether a request is an upgrade: the plugin's own hook tells.
  await app.register(fastifyWebsocket, { options: channelOptions(admittedUpgrades(app, parts)) })
  // Else the library answers by itself, in its own words and without our headers.
  app.websocketServer.on('wsClientError', (_error, socket) => refuseSocket(socket, 'bad_request'))
  addGate(app, parts)
  addParsers(app)
  app.setErrorHandler((error, _request, reply) => replyError(reply, error, parts.log))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody('not_found')))
  if (parts.page !== null) {
    const serve = {
      serve: false,
      wildcard: false,
      index: false,
      list: false,
      redirect: false,
      serveDotFiles: false,
    } as const
    await app.register(fastifyStatic, { root: parts.page.folder, ...serve, ...QUIET_STATIC })
  }
  for (const addRoutes of ROUTE_MODULES) addRoutes(app, parts)
  return app
}

/**
 * No request that the parser could read. A connection on which nothing was asked in time ends without a word: browsers
 * open some ahead, and take what stands there for the answer to whatever they ask next.
 */
function refuseBroken(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') socket.destroy()
  else refuseSocket(socket, 'bad_request')
}

/** The page's headers are ours alone. */
const QUIET_STATIC = { cacheControl: false, etag: false, lastModified: false } as const

/** The gate stands before routing; what it refuses, no handler sees. */
function addGate(app: FastifyInstance, parts: AppParts): void {
  app.decorateRequest('admission', null)
  // Hooks on the way of every request go on by `done`: a promise for each costs a small answer a tenth of its time.
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(DATA_HEADERS)
    const socket = app.inner.socketOf(request.raw.socket.remoteAddress)
    const verdict = admit({ ...rawRequest(request.raw), socket }, parts.viewers.allow)
    if ('refusal' in verdict) {
      refuse(parts, request, reply, verdict.refusal)
      return
    }
    request.admission = verdict.admission
    noteAdmission(parts, verdict.admission)
    if (isProven(verdict.admission)) app.strangers.release(request.raw.socket)
    else app.strangers.heardOf(request.raw.socket)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    parts.report.countRequest(request.method, route, reply.statusCode)
    parts.log.debug('Answered', {
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
    done()
  })
}

function rawRequest({ rawHeaders, url, method }: IncomingMessage): RawRequest {
  return { rawHeaders, target: url ?? '', method: method ?? '' }
}

/** What an admitted request changes: a proven probe teaches, a key was used. */
function noteAdmission({ viewers }: AppParts, { host, probe, page }: Admission): void {
  if (probe !== null) viewers.get(probe.viewerId)?.learn(host, probe)
  if (page !== null) viewers.keys.touch(page.id)
}

/** Whose request this is, is known: no stranger's. */
function isProven({ page, probe, class: routeClass }: Admission): boolean {
  return page !== null || probe !== null || routeClass === 'capability'
}

function refuse(
  parts: AppParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { code, status }: Refusal,
): FastifyReply {
  if (code === 'misdirected') parts.report.countRefusedHost(request.raw.headers.host ?? '')
  return reply.code(status).send(errorBody(code))
}

/** A target that Fastify cannot route never reaches the hooks: the gate's verdict, else a bad request. */
function refuseUnrouted(parts: AppParts, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers(DATA_HEADERS).type('application/json')
  const verdict = admit(rawRequest(request.raw), parts.viewers.allow)
  if ('refusal' in verdict) return refuse(parts, request, reply, verdict.refusal)
  return reply.code(400).send(errorBody('bad_request'))
}

/** The content types that any route takes; a JSON body is parsed by its route's schema. */
function addParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'))
  for (const type of ['application/octet-stream', 'image/png']) {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  }
}

/**
 * The upgrades that the gate lets through, each as an event of its own: the same `admit` as for requests, on the same
 * raw bytes, before the WebSocket plugin sees them.
 */
function admittedUpgrades(app: FastifyInstance, parts: AppParts): EventEmitter {
  const admitted = new EventEmitter()
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const verdict = admit(rawRequest(request), parts.viewers.allow)
    if ('refusal' in verdict) {
      if (verdict.refusal.code === 'misdirected') parts.report.countRefusedHost(request.headers.host ?? '')
      parts.report.countRequest('UPGRADE', 'refused', verdict.refusal.status)
      return refuseSocket(socket, verdict.refusal.code)
    }
    if (verdict.admission.class !== 'channel') return refuseSocket(socket, 'bad_request')
    admitted.emit('upgrade', request, socket, head)
  })
  return admitted
}

function channelOptions(upgrades: EventEmitter) {
  return {
    // The plugin only listens to its 'upgrade' events.
    server: upgrades as Server,
    maxPayload: MAX_FRAME_BYTES,
    maxFragments: LIMITS.channelFragments,
    closeTimeout: LIMITS.closeTimeoutMs,
    perMessageDeflate: false,
  }
}
