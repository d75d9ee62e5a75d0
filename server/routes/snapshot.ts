import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { ProtocolError } from '../../protocol/errors.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, nameSchema, parseInput, viewerOf } from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'

const PNG_MAGIC = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const snapshotQuery = v.object({ requestId: v.optional(nameSchema) })

/** A picture of the page: the answer to a screenshot command, or the one kept in the notebook. */
export function snapshotRoute(app: FastifyInstance, { viewers }: AppParts): void {
  app.put(`/${ROUTES.snapshot}`, { bodyLimit: LIMITS.snapshotBytes }, async (request) => {
    const { requestId } = parseInput(snapshotQuery, request.query)
    const viewer = viewerOf(request, viewers)
    const png = request.body
    if (!Buffer.isBuffer(png) || !png.subarray(0, PNG_MAGIC.length).equals(PNG_MAGIC)) {
      throw new ProtocolError('bad_request', 'A snapshot must be a PNG picture.')
    }
    viewer.sendSnapshot(requestId ?? null, png)
    return {}
  })
}
