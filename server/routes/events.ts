import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { pageMessageSchema } from '../../protocol/channel.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { decodeFrame, splitFrames } from '../../protocol/frame.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, admissionOf, countSchema, leaveSignal, parseInput, viewerOf } from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'
import { PollCarrier } from '../viewers/channel-transport.ts'
import type { PageChannel } from '../viewers/page-channel.ts'
import type { Viewers } from '../viewers/viewer-registry.ts'

const eventsQuery = v.object({ sequence: countSchema })
const commandsQuery = v.object({ after: countSchema })

/** The channel as post and long-poll, where no WebSocket goes through. */
export function eventRoutes(app: FastifyInstance, { viewers }: AppParts): void {
  app.post(`/${ROUTES.events}`, { bodyLimit: LIMITS.eventsBodyBytes }, async (request) => {
    const { sequence } = parseInput(eventsQuery, request.query)
    if (!Buffer.isBuffer(request.body)) throw new ProtocolError('bad_request', 'Events come as a stream of frames.')
    const page = pageOf(request, viewers)
    // Asked again because its answer was lost: it was applied.
    if (sequence <= page.lastSequence) return {}
    if (sequence !== page.lastSequence + 1) {
      throw new ProtocolError('bad_request', `Post ${sequence} came after post ${page.lastSequence}. Reload the page.`)
    }
    if (viewerOf(request, viewers).backlog.isFull) {
      throw new ProtocolError('overloaded', 'The kernel is busy. The page keeps what it has to say and tries again.')
    }
    const frames = framesOf(request.body)
    page.lastSequence = sequence
    for (const frame of frames) takeFrame(page, frame)
    return {}
  })
  app.get(`/${ROUTES.commands}`, { exposeHeadRoute: false }, async (request, reply) => {
    const { after } = parseInput(commandsQuery, request.query)
    const { carrier } = pageOf(request, viewers)
    if (!(carrier instanceof PollCarrier))
      throw new ProtocolError('bad_request', 'Say hello before asking for commands.')
    const bytes = await carrier.next(after, leaveSignal(reply))
    return reply.type('application/octet-stream').send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  })
}

function pageOf(request: FastifyRequest, viewers: Viewers): PageChannel {
  const { page } = admissionOf(request)
  if (page === null)
    throw new ProtocolError('bad_key', 'This page is not known any more. Run the cell or the command again.')
  return viewerOf(request, viewers).page(page.id)
}

/** @throws ProtocolError `bad_frame` when the last one is cut */
function framesOf(body: Buffer): Uint8Array[] {
  try {
    return splitFrames(body)
  } catch (cause) {
    throw new ProtocolError('bad_frame', 'The posted events did not arrive whole. Reload the page.', { cause })
  }
}

function takeFrame(page: PageChannel, frame: Uint8Array): void {
  const message = decodeFrame(frame).header
  if (message.kind !== 'hello') {
    page.receive(frame)
    return
  }
  const hello = parseInput(pageMessageSchema, message)
  const carrier = new PollCarrier((isPresent) => page.setPresent(isPresent))
  if (hello.kind === 'hello') page.open(carrier, hello)
}
