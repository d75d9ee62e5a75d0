import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { columnPieces } from '../../protocol/column-frame.ts'
import type { ColorBy } from '../../protocol/state.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { chooseEncoding } from '../column-choice.ts'
import { type AppParts, nameSchema, parseInput } from '../request-context.ts'
import type { DataSource } from '../sources/data-source.ts'
import { type FrameAsk, sendFrame, type Wanted } from './frames.ts'

const gzipSchema = v.optional(v.picklist(['0', '1']))
const obsQuery = v.object({ key: v.optional(nameSchema), gzip: gzipSchema })
const varQuery = v.object({ key: v.optional(nameSchema), layer: v.optional(nameSchema), gzip: gzipSchema })

/** One value per cell: an obs field, a gene; without `key` whatever colours the cells by default, if anything does. */
export function columnRoutes(app: FastifyInstance, parts: AppParts): void {
  app.get(`/${ROUTES.obsColumn}`, (request, reply) => {
    const { key, gzip } = parseInput(obsQuery, request.query)
    const named: ColorBy | null = key === undefined ? null : { axis: 'obs', key }
    return sendFrame(parts, request, reply, wanted(named, gzip === '1'))
  })
  app.get(`/${ROUTES.varColumn}`, (request, reply) => {
    const { key, layer, gzip } = parseInput(varQuery, request.query)
    const named: ColorBy | null = key === undefined ? null : { axis: 'var', key, layer: layer ?? null }
    return sendFrame(parts, request, reply, wanted(named, gzip === '1'))
  })
}

function wanted(named: ColorBy | null, isGzipped: boolean): Wanted {
  return { isNamed: named !== null, choose: (source, signal) => columnAsk(source, { named, isGzipped }, signal) }
}

/** @param named `null` for whatever colours the cells at first; the answer is `null` where nothing does */
export async function columnAsk(
  source: DataSource,
  { named, isGzipped }: { named: ColorBy | null; isGzipped: boolean },
  signal: AbortSignal,
): Promise<FrameAsk | null> {
  const color = named ?? (await source.defaults(signal)).defaultColor
  if (color === null) return null
  const make = async (from: DataSource, stop: AbortSignal) => {
    const { axis, key } = color
    return columnPieces(
      chooseEncoding(await (axis === 'obs' ? from.obs(key, stop) : from.gene(key, color.layer, stop))),
    )
  }
  return { key: JSON.stringify(color), isGzipped, make }
}
