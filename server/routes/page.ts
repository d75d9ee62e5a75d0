import type { FastifyInstance } from 'fastify'
import { ProtocolError } from '../../protocol/errors.ts'
import { PAGE_HEADERS, pagePolicy, plainPageHeaders, shellPolicy } from '../http/headers.ts'
import { type AppParts, admissionOf } from '../http/request-context.ts'

/**
 * The page: one file, the same bytes for everyone; for viewers of the hosted UI the shell around that. Only its policy
 * speaks of the viewer that the query names. A server that a person started at a terminal may show another page before
 * it.
 */
export function pageRoute(app: FastifyInstance, { page, shell, viewers, entrance }: AppParts): void {
  app.get('/', async (request, reply) => {
    const other = await entrance?.(new URL(request.raw.url ?? '/', 'http://any').searchParams, request.raw.socket)
    if (other != null && 'location' in other) return reply.code(303).header('location', other.location).send()
    if (other != null) return reply.code(other.status).headers(plainPageHeaders(other.styleSources)).send(other.html)
    const { viewerId, host } = admissionOf(request)
    const viewer = viewerId === null ? null : viewers.get(viewerId)
    const isHosted = viewer?.hosted?.isWanted === true
    const file = isHosted ? shell : page
    if (file === null) {
      throw new ProtocolError('not_found', 'This install has no viewer page. Install cellucid-notebook again.')
    }
    const [bases, embedders] = [viewer?.learnt.basesOf(host) ?? [], viewer?.learnt.embedders() ?? []]
    const policy = (isHosted ? shellPolicy : pagePolicy)(file.policy, bases, embedders)
    return reply.headers({ ...PAGE_HEADERS, 'content-security-policy': policy }).sendFile(file.name)
  })
}
