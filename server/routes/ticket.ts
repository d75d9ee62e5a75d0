import type { FastifyInstance } from 'fastify'
import { ProtocolError } from '../../protocol/errors.ts'
import { MARK_HEADER, ROUTES, TICKET_FOLDER } from '../../protocol/urls.ts'
import type { AppParts } from '../http/request-context.ts'
import { obsColumnWanted, varColumnWanted } from './columns.ts'
import { embeddingWanted } from './embedding.ts'
import { sendFrame, type Wanted } from './send-frame.ts'

/** What a ticket may stand for. */
const READS: ReadonlyMap<string, (query: unknown) => Wanted> = new Map([
  [`/${ROUTES.embedding}`, embeddingWanted],
  [`/${ROUTES.obsColumn}`, obsColumnWanted],
  [`/${ROUTES.varColumn}`, varColumnWanted],
])

/** One large answer, for the page that was given the ticket; it carries the mark that the page was told with it. */
export function ticketRoute(app: FastifyInstance, parts: AppParts): void {
  const { tickets } = parts.viewers
  app.get<{ Params: { ticket: string } }>(`/${TICKET_FOLDER}/:ticket`, (request, reply) => {
    const { ticket } = request.params
    const url = new URL(tickets.urlOf(ticket) ?? '/', 'http://any')
    const read = READS.get(url.pathname)
    if (read === undefined) throw new ProtocolError('bad_key', 'This ticket is not good any more. Choose it again.')
    void reply.header(MARK_HEADER, tickets.markOf(ticket))
    return sendFrame(parts, request, reply, read(Object.fromEntries(url.searchParams)))
  })
}
