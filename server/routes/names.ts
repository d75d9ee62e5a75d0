import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { ROUTES } from '../../protocol/urls.ts'
import { LIMITS } from '../limits.ts'
import {
  type AppParts,
  countSchema,
  dataSignal,
  nameSchema,
  openedSource,
  parseInput,
  viewerOf,
} from '../request-context.ts'

const genesQuery = v.object({ query: v.optional(nameSchema, ''), limit: v.optional(countSchema, '50') })
const cellNamesQuery = v.object({ start: countSchema, end: countSchema })

/** Names for the search box, and for the cells under the pointer. */
export function nameRoutes(app: FastifyInstance, { viewers }: AppParts): void {
  app.get(`/${ROUTES.genes}`, async (request, reply) => {
    const { query, limit } = parseInput(genesQuery, request.query)
    const viewer = viewerOf(request, viewers)
    const signal = dataSignal(reply, viewer)
    const source = await openedSource(viewer, signal)
    return source.genes(query, Math.min(limit, LIMITS.genesPerAnswer), signal)
  })
  app.get(`/${ROUTES.cellNames}`, async (request, reply) => {
    const { start, end } = parseInput(cellNamesQuery, request.query)
    const viewer = viewerOf(request, viewers)
    const signal = dataSignal(reply, viewer)
    const source = await openedSource(viewer, signal)
    return source.cellNames({ start, end: Math.min(end, start + LIMITS.cellNamesPerAnswer) }, signal)
  })
}
