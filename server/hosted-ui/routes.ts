import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { ProtocolError } from '../../protocol/errors.ts'
import { type HostedAnswer, hostedAskSchema } from '../../protocol/hosted.ts'
import { CAPABILITY_FOLDER, HOSTED_ROUTES, ROUTES } from '../../protocol/urls.ts'
import { Pieces } from '../frames/byte-pieces.ts'
import { hostedPolicy, PAGE_HEADERS } from '../http/headers.ts'
import {
  type AppParts,
  admissionOf,
  dataSignal,
  openedSource,
  openViewer,
  parseInput,
  viewerOf,
} from '../http/request-context.ts'
import { isUnchanged, sendBytes, sendUnchanged } from '../http/send-bytes.ts'
import type { Viewer } from '../viewers/viewer.ts'
import { sha256 } from './cache/stored-files.ts'
import { takeHostedEvent } from './hosted-events.ts'
import { HostedViewer } from './hosted-viewer.ts'
import { saveSession } from './session-upload.ts'
import { SiteError } from './site/site-error.ts'
import { INDEX, isHostedPath } from './site/site-paths.ts'

const FOLDER = `/${CAPABILITY_FOLDER}/:capability`
const sessionQuery = v.object({ viewerId: v.string(), requestId: v.pipe(v.string(), v.maxLength(128)) })

/** For the shell, by its page key: how the hosted viewer stands, and where it is. */
export function hostedRoute(app: FastifyInstance, { viewers }: AppParts): void {
  app.get(`/${HOSTED_ROUTES.hosted}`, { exposeHeadRoute: false }, async (request): Promise<HostedAnswer> => {
    return answerFor(viewerOf(request, viewers), false)
  })
  app.post(`/${HOSTED_ROUTES.hosted}`, async (request): Promise<HostedAnswer> => {
    const viewer = viewerOf(request, viewers)
    const { kind } = parseInput(hostedAskSchema, request.body)
    if (kind === 'useEmbedded') hostedOf(viewer).isWanted = false
    return answerFor(viewer, kind === 'retry')
  })
}

async function answerFor(viewer: Viewer, isWanted: boolean): Promise<HostedAnswer> {
  const hosted = hostedOf(viewer)
  const state = await hosted.ui.look(isWanted)
  const source = await viewer.source
  const { capability: viewerToken, isServed } = hosted
  return { state, url: hosted.url(viewer.id, source.kind === 'export'), viewerToken, isServed }
}

/** One request of a hosted page, and whose it is. */
type Ask = { request: FastifyRequest; reply: FastifyReply; viewer: Viewer }

/** All that the hosted page asks for and posts, below its own key. */
export function hostedFileRoutes(app: FastifyInstance, parts: AppParts): void {
  const askOf = (request: FastifyRequest, reply: FastifyReply) => {
    return { request, reply, viewer: capableViewer(request, parts) }
  }
  app.get(`${FOLDER}/`, async (request, reply) => sendIndex(askOf(request, reply)))
  app.get(`${FOLDER}/*`, async (request, reply) => {
    const path = (request.params as { '*': string })['*'] // as the pattern says
    const ask = askOf(request, reply)
    if (path === INDEX) return sendIndex(ask)
    return isHostedPath(path) ? sendFile(path, ask) : sendData(path, ask, parts.version)
  })
  app.post(`${FOLDER}/${ROUTES.events}`, async (request, reply) => {
    const { viewer } = askOf(request, reply)
    await takeHostedEvent(request.body, viewer, dataSignal(reply, viewer))
    return { status: 'ok', delivered: true }
  })
  void app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers()
    // As it comes: half a gigabyte is no body to hold.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    scope.post(`${FOLDER}/${ROUTES.sessionBundle}`, (request) => takeSession(request, parts))
    registered()
  })
}

async function takeSession(request: FastifyRequest, parts: AppParts): Promise<object> {
  const viewer = capableViewer(request, parts)
  const { viewerId, requestId } = parseInput(sessionQuery, request.query)
  if (viewerId !== viewer.id) throw new ProtocolError('bad_request', 'A session names its own viewer.')
  if (!hostedOf(viewer).awaitsSession(requestId)) throw new ProtocolError('not_found', 'Nobody asked for this session.')
  if (!(request.body instanceof Readable)) throw new ProtocolError('bad_request', 'A session is not empty.')
  const { path, bytes } = await saveSession(request.body, await hostedOf(viewer).folder())
  viewer.forwardEvent(requestId, { kind: 'sessionBundle', requestId, status: 'ok', bytes, path }, new Uint8Array())
  return { status: 'ok', bytes }
}

/** The viewer that the key in the path speaks for. @throws ProtocolError `bad_key` */
function capableViewer(request: FastifyRequest, { viewers }: AppParts): Viewer {
  const { class: routeClass, viewerId } = admissionOf(request)
  return openViewer(routeClass === 'capability' ? viewerId : null, viewers)
}

function hostedOf({ hosted }: Viewer): HostedViewer {
  if (hosted instanceof HostedViewer) return hosted
  throw new ProtocolError('not_found', 'This viewer shows the embedded page.')
}

async function sendIndex({ request, reply, viewer }: Ask): Promise<FastifyReply> {
  const hosted = hostedOf(viewer)
  await hosted.ui.look()
  const file = await hosted.ui.file(INDEX, dataSignal(reply, viewer))
  if (file === null) throw new ProtocolError('not_found', 'The hosted viewer is not on this machine.')
  hosted.pagesServed++
  const policy = policyFor(request, viewer, inlineHashes(file.bytes.toString('utf8')))
  return reply
    .headers({ ...PAGE_HEADERS, 'content-security-policy': policy })
    .type('text/html')
    .send(file.bytes)
}

async function sendFile(path: string, { request, reply, viewer }: Ask): Promise<FastifyReply> {
  const { ui } = hostedOf(viewer)
  const file = await ui.file(path, dataSignal(reply, viewer)).catch((error: unknown) => {
    if (error instanceof SiteError) return null
    throw error
  })
  if (file === null) throw new ProtocolError('not_found', 'The hosted viewer has no such file.')
  const etag = `"${sha256(file.bytes).slice(0, 32)}"`
  // A worker takes its policy from its own file, not from the page that starts it.
  if (file.type === 'text/javascript') {
    const policy = policyFor(request, viewer, { scripts: [], styles: [] })
    void reply.headers({ 'content-security-policy': policy, 'cross-origin-embedder-policy': 'require-corp' })
  }
  if (isUnchanged(request, etag)) return sendUnchanged(reply, etag)
  return sendBytes(request, reply, { content: new Pieces([file.bytes]), etag, type: file.type })
}

async function sendData(path: string, { reply, viewer }: Ask, version: string): Promise<FastifyReply> {
  const signal = dataSignal(reply, viewer)
  const asExport = hostedOf(viewer).asExport(await openedSource(viewer, signal))
  switch (path) {
    case ROUTES.health:
      return reply.send(await asExport.health(version, signal))
    case ROUTES.info:
      return reply.send({ ...(await asExport.health(version, signal)), host: '127.0.0.1' })
    case HOSTED_ROUTES.datasets:
      return reply.send({ datasets: [await asExport.dataset(signal)] })
  }
  const file = await asExport.file(path, signal)
  if (file === null) throw new ProtocolError('not_found', 'The dataset has no such file.')
  const { bytes, type } = file
  return reply.type(type).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

type Inline = { scripts: readonly string[]; styles: readonly string[] }

function policyFor(request: FastifyRequest, { learnt, hosted }: Viewer, inline: Inline): string {
  const folders = learnt
    .basesOf(admissionOf(request).host)
    .map((base) => `${base}${CAPABILITY_FOLDER}/${hosted?.capability}/`)
  return hostedPolicy(inline, folders, learnt.embedders())
}

/** Scripts and styles that stand in the page itself, as sources of a policy: exactly those that are stored. */
function inlineHashes(html: string): Inline {
  const hashes = (pattern: RegExp) => {
    const texts = [...html.matchAll(pattern)].map(([, text = '']) => text)
    return [...new Set(texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`))]
  }
  return {
    scripts: hashes(/<script\b(?![^>]*\ssrc\s*=)[^>]*>([\s\S]*?)<\/script/gi),
    styles: hashes(/<style\b[^>]*>([\s\S]*?)<\/style/gi),
  }
}
