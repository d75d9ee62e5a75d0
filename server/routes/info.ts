import type { FastifyInstance } from 'fastify'
import { ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { type AppParts, admissionOf } from '../http/request-context.ts'

/** Version and protocol for everybody; what runs here for pages with a key. */
export function infoRoute(app: FastifyInstance, { viewers, version, report }: AppParts): void {
  app.get(`/${ROUTES.info}`, async (request) => {
    const { page } = admissionOf(request)
    const open = { version, protocol: PROTOCOL_VERSION }
    const viewer = page === null ? null : viewers.get(page.viewerId)
    if (viewer === null) return open
    const { instanceId, port, uptimeSeconds, viewers: count, viewer: own } = await report.of(viewer)
    return { ...open, instanceId, port, uptimeSeconds, viewers: count, source: own?.source ?? null }
  })
}
