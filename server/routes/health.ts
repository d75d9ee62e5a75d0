import type { FastifyInstance } from 'fastify'
import type { HealthAnswer } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { corsHeaders } from '../http/headers.ts'
import { type AppParts, admissionOf } from '../http/request-context.ts'

/** Alive; and, to a signed probe, proven. The gate has learnt from the probe by now. */
export function healthRoute(app: FastifyInstance, { viewers, version }: AppParts): void {
  const open: HealthAnswer = { status: 'ok', protocol: PROTOCOL_VERSION, version }
  const openText = JSON.stringify(open)
  app.get(`/${ROUTES.health}`, (request, reply) => {
    const { probe, viewerId } = admissionOf(request)
    const asked = viewerId === null ? [] : [viewers.get(viewerId)]
    const lessons = asked.flatMap((viewer) => viewer?.learnt.lessons ?? [])
    void reply.headers(corsHeaders(request.headers.origin, lessons)).type('application/json; charset=utf-8')
    const viewer = probe === null ? null : viewers.get(probe.viewerId)
    if (probe === null || viewer === null) return void reply.send(openText)
    const answer: HealthAnswer = { ...open, instanceId: viewers.instanceId, proof: viewer.proof(probe.nonce) }
    void reply.send(answer)
  })
}
