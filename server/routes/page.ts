import type { FastifyInstance } from 'fastify'
import { ProtocolError } from '../../protocol/errors.ts'
import { PAGE_HEADERS, pagePolicy, plainPageHeaders } from '../headers.ts'
import { type AppParts, admissionOf } from '../request-context.ts'

/**
 * The page: one file, the same bytes for everyone. Only its policy speaks of the viewer that the query names. A server
 * that a person started at a terminal may show another page before it.
 */
export function pageRoute(app: FastifyInstance, { page, viewers, entrance }: AppParts): void {
  app.get('/', async (request, reply) => {
    const other = await entrance?.(new URL(request.raw.url ?? '/', 'http://any').searchParams, request.raw.socket)
    if (other != null && 'location' in other) return reply.code(303).header('location', other.location).send()
    if (other != null) return reply.code(other.status).headers(plainPageHeaders(other.styleSources)).send(other.html)
    if (page === null) {
      throw new ProtocolError('not_found', 'This install has no viewer page. Install cellucid-notebook again.')
    }
    const { viewerId, host } = admissionOf(request)
    const learnt = viewerId === null ? null : (viewers.get(viewerId)?.learnt ?? null)
    const policy = pagePolicy(page.policy, learnt?.basesOf(host) ?? [], learnt?.embedders() ?? [])
    return reply.headers({ ...PAGE_HEADERS, 'content-security-policy': policy }).sendFile(page.name)
  })
}
