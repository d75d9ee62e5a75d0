import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import type { DataSource, Part } from '../../data/data-source.ts'
import { chooseEncoding } from '../../data/values/column-encoding.ts'
import { columnPieces } from '../../protocol/column-frame.ts'
import { matrixSchema } from '../../protocol/matrix.ts'
import type { ColorBy } from '../../protocol/state.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { type AppParts, matrixFields, nameSchema, parseInput } from '../http/request-context.ts'
import { type FrameAsk, sendFrame, type Wanted } from './send-frame.ts'

const gzipSchema = v.optional(v.picklist(['0', '1']))
const versionSchema = v.optional(nameSchema)
const obsQuery = v.object({ key: v.optional(nameSchema), version: versionSchema, gzip: gzipSchema })
const varQuery = v.object({
  key: v.optional(nameSchema),
  ...matrixFields,
  version: versionSchema,
  gzip: gzipSchema,
})

/** One value per cell: an obs field, a gene; without `key` whatever colours the cells by default, if anything does. */
export function columnRoutes(app: FastifyInstance, parts: AppParts): void {
  app.get(`/${ROUTES.obsColumn}`, (request, reply) => sendFrame(parts, request, reply, obsColumnWanted(request.query)))
  app.get(`/${ROUTES.varColumn}`, (request, reply) => sendFrame(parts, request, reply, varColumnWanted(request.query)))
}

/** @throws ProtocolError `bad_request` */
export function obsColumnWanted(query: unknown): Wanted {
  const { key, version, gzip } = parseInput(obsQuery, query)
  const named: ColorBy | null = key === undefined ? null : { axis: 'obs', key }
  return wanted(named, version, gzip === '1')
}

/** @throws ProtocolError `bad_request` */
export function varColumnWanted(query: unknown): Wanted {
  const { key, version, gzip, ...place } = parseInput(varQuery, query)
  const named: ColorBy | null = key === undefined ? null : { axis: 'var', key, matrix: parseInput(matrixSchema, place) }
  return wanted(named, version, gzip === '1')
}

function wanted(named: ColorBy | null, version: string | undefined, isGzipped: boolean): Wanted {
  const choose: Wanted['choose'] = (source, signal) => columnAsk(source, { named, isGzipped }, signal)
  return { isNamed: named !== null, version, choose }
}

/** @param named `null` for whatever colours the cells at first; the answer is `null` where nothing does */
export async function columnAsk(
  source: DataSource,
  { named, isGzipped }: { named: ColorBy | null; isGzipped: boolean },
  signal: AbortSignal,
): Promise<FrameAsk | null> {
  const color = named ?? (await source.defaults(signal)).defaultColor
  if (color === null) return null
  const { axis, key } = color
  const make: FrameAsk['make'] = async (from, version, stop) => {
    const column = await (axis === 'obs' ? from.obs(key, stop) : from.gene(key, color.matrix, stop))
    return columnPieces({ ...chooseEncoding(column), version })
  }
  const part: Part = axis === 'obs' ? { in: 'obs', key } : { in: 'matrix', matrix: color.matrix }
  return { key: JSON.stringify(color), part, isGzipped, make }
}
