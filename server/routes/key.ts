import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { ProtocolError } from '../../protocol/errors.ts'
import { parsePageKey, parseViewerId, parseViewerToken, type ViewerId } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, admissionOf, parseInput } from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'

const keyBody = v.object({
  viewerId: v.pipe(
    v.string(),
    v.check((text) => parseViewerId(text) !== null),
  ),
  viewerToken: v.pipe(
    v.string(),
    v.check((text) => parseViewerToken(text) !== null || parsePageKey(text) !== null),
  ),
})

/**
 * A page trades its viewer's token, the one-time token of a link, or the key that it had before it was loaded again, for a
 * key of its own.
 */
export function keyRoute(app: FastifyInstance, { viewers, report }: AppParts): void {
  app.post(`/${ROUTES.key}`, { bodyLimit: LIMITS.keyBodyBytes }, async (request) => {
    const body = parseInput(keyBody, request.body)
    const viewerId = body.viewerId as ViewerId // checked by the schema
    const { host } = admissionOf(request)
    // The gate could not know whose name this Host is: another viewer's lesson is none for this one.
    if (!viewers.isReachedBy(host, viewerId)) {
      report.countRefusedHost(host.name)
      throw new ProtocolError('misdirected', 'This viewer is not known under this name. Reload the notebook page.')
    }
    const pageKey = viewers.trade(viewerId, body.viewerToken)
    if (pageKey !== null) {
      app.strangers.release(request.raw.socket)
      return { pageKey }
    }
    await delay(viewers.refusedTokenDelay(viewerId, request.raw.socket.remoteAddress ?? 'door'))
    throw new ProtocolError(
      'bad_token',
      'This link is not valid any more. Run the cell or the command again, or open viewer.viewer_url.',
    )
  })
}
