import type { FastifyInstance } from 'fastify'
import { ProtocolError } from '../../protocol/errors.ts'
import { PAGE_HEADERS, pagePolicy } from '../headers.ts'
import { type AppParts, admissionOf } from '../request-context.ts'

/** The page: one file, the same bytes for everyone. Only its policy speaks of the viewer that the query names. */
export function pageRoute(app: FastifyInstance, { page, viewers }: AppParts): void {
  app.get('/', (request, reply) => {
    if (page === null) {
      throw new ProtocolError('not_found', 'This install has no viewer page. Install cellucid-notebook again.')
    }
    const { viewerId, host } = admissionOf(request)
    const learnt = viewerId === null ? null : (viewers.get(viewerId)?.learnt ?? null)
    const policy = pagePolicy(page.policy, learnt?.basesOf(host) ?? [], learnt?.embedders() ?? [])
    return reply.headers({ ...PAGE_HEADERS, 'content-security-policy': policy }).sendFile(page.name)
  })
}
