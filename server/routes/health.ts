import type { FastifyInstance } from 'fastify'
import type { HealthAnswer } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { corsHeaders } from '../headers.ts'
import { type AppParts, admissionOf } from '../request-context.ts'

/** Alive; and, to a signed probe, proven. The gate has learnt from the probe by now. */
export function healthRoute(app: FastifyInstance, { viewers, version }: AppParts): void {
  app.get(`/${ROUTES.health}`, async (request, reply): Promise<HealthAnswer> => {
    const { probe, viewerId } = admissionOf(request)
    const asked = viewerId === null ? [] : [viewers.get(viewerId)]
    const lessons = asked.flatMap((viewer) => viewer?.learnt.lessons ?? [])
    void reply.headers(corsHeaders(request.headers.origin, lessons))
    const open: HealthAnswer = { status: 'ok', protocol: PROTOCOL_VERSION, version }
    const viewer = probe === null ? null : viewers.get(probe.viewerId)
    if (probe === null || viewer === null) return open
    return { ...open, instanceId: viewers.instanceId, proof: viewer.proof(probe.nonce) }
  })
}
