import type { FastifyInstance } from 'fastify'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, dataSignal, openedSource, viewerOf } from '../http/request-context.ts'

/** What a page must know before it asks for any array. */
export function identityRoute(app: FastifyInstance, { viewers }: AppParts): void {
  app.get(`/${ROUTES.identity}`, async (request, reply) => {
    const viewer = viewerOf(request, viewers)
    const signal = dataSignal(reply, viewer)
    const source = await openedSource(viewer, signal)
    return source.identity(signal)
  })
}
