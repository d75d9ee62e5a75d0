import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { matrixSchema } from '../../protocol/matrix.ts'
import { ROUTES } from '../../protocol/urls.ts'
import {
  type AppParts,
  countSchema,
  dataSignal,
  matrixFields,
  nameSchema,
  openedSource,
  parseInput,
  viewerOf,
} from '../http/request-context.ts'
import { LIMITS } from '../process/limits.ts'

const genesQuery = v.object({
  query: v.optional(nameSchema, ''),
  limit: v.optional(countSchema, '50'),
  ...matrixFields,
})
const cellNamesQuery = v.object({ start: countSchema, end: countSchema })

/** Names for the search box, and for the cells under the pointer. */
export function nameRoutes(app: FastifyInstance, { viewers }: AppParts): void {
  app.get(`/${ROUTES.genes}`, async (request, reply) => {
    const { query, limit, ...place } = parseInput(genesQuery, request.query)
    const matrix = place.in === undefined ? null : parseInput(matrixSchema, place)
    const viewer = viewerOf(request, viewers)
    const signal = dataSignal(reply, viewer)
    const source = await openedSource(viewer, signal)
    return source.genes(query, Math.min(limit, LIMITS.genesPerAnswer), matrix, signal)
  })
  app.get(`/${ROUTES.cellNames}`, async (request, reply) => {
    const { start, end } = parseInput(cellNamesQuery, request.query)
    const viewer = viewerOf(request, viewers)
    const signal = dataSignal(reply, viewer)
    const source = await openedSource(viewer, signal)
    return source.cellNames({ start, end: Math.min(end, start + LIMITS.cellNamesPerAnswer) }, signal)
  })
}
