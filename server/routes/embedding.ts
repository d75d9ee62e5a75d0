import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import type { DataSource, Defaults } from '../../data/data-source.ts'
import { embeddingPieces } from '../../protocol/column-frame.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, nameSchema, parseInput } from '../http/request-context.ts'
import { type FrameAsk, sendFrame, type Wanted } from './send-frame.ts'

const dimensionsSchema = v.pipe(v.picklist(['1', '2', '3']), v.transform(Number))
const embeddingQuery = v.object({
  key: v.optional(nameSchema),
  dimensions: v.optional(dimensionsSchema),
  version: v.optional(nameSchema),
})

/** Positions, never compressed: f32 coordinates hardly shrink. Without `key` the default embedding. */
export function embeddingRoute(app: FastifyInstance, parts: AppParts): void {
  app.get(`/${ROUTES.embedding}`, (request, reply) => sendFrame(parts, request, reply, embeddingWanted(request.query)))
}

/** @throws ProtocolError `bad_request` */
export function embeddingWanted(query: unknown): Wanted {
  const { key, dimensions, version } = parseInput(embeddingQuery, query)
  return {
    isNamed: key !== undefined,
    version,
    choose: (source, signal) => embeddingAsk(source, { key: key ?? null, dimensions: dimensions ?? null }, signal),
  }
}

/** An embedding that is not known may have been made since. */
async function defaultsWith(source: DataSource, named: string | null, signal: AbortSignal): Promise<Defaults> {
  const known = await source.defaults(signal)
  if (named === null || known.embeddings.some(({ key }) => key === named)) return known
  await source.refresh(signal)
  return source.defaults(signal)
}

/** @param named `null` for whatever the dataset shows first */
export async function embeddingAsk(
  source: DataSource,
  { key: named, dimensions: asked }: { key: string | null; dimensions: number | null },
  signal: AbortSignal,
): Promise<FrameAsk> {
  const { defaultEmbedding, embeddings } = await defaultsWith(source, named, signal)
  const key = named ?? defaultEmbedding
  const dimensions = asked ?? embeddings.find((embedding) => embedding.key === key)?.dimensions[0] ?? 2
  return {
    key: JSON.stringify(['embedding', key, dimensions]),
    part: { in: 'obsm', key: key ?? '' },
    isGzipped: false,
    make: async (from, version, stop) => embeddingPieces({ ...(await from.embedding(key, dimensions, stop)), version }),
  }
}
