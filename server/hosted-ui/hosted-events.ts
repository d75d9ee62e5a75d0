import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { encodeCells } from '../../protocol/cells.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { consoleLineSchema, type ViewerEvent } from '../../protocol/events.ts'
import type { Viewer } from '../viewers/viewer.ts'

const cellSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 2))
const positionSchema = v.object({ x: v.number(), y: v.number(), z: v.number() })

/** What cellucid's page says, in its own words; `viewerId` stands in each. */
const hostedEventSchema = v.variant('type', [
  v.object({ type: v.literal('ready'), n_cells: v.number(), dimensions: v.number() }),
  v.object({ type: v.literal('selection'), cells: v.array(cellSchema), source: v.string() }),
  v.object({ type: v.literal('hover'), cell: v.nullable(cellSchema), position: v.nullable(positionSchema) }),
  v.object({
    type: v.literal('click'),
    cell: v.nullable(cellSchema),
    button: v.number(),
    shift: v.boolean(),
    ctrl: v.boolean(),
  }),
  v.object({ type: v.literal('pong'), requestId: v.string() }),
  v.object({ type: v.literal('console'), level: v.string(), message: v.string() }),
])
type HostedEvent = v.InferOutput<typeof hostedEventSchema>

const envelopeSchema = v.looseObject({ type: v.string(), viewerId: v.string() })

/**
 * Take one event of a hosted page and pass it on to the kernel.
 * @throws ProtocolError `bad_request` when it is none, or another viewer's
 */
export async function takeHostedEvent(body: unknown, viewer: Viewer, signal: AbortSignal): Promise<void> {
  const envelope = v.safeParse(envelopeSchema, body)
  if (!envelope.success || envelope.output.viewerId !== viewer.id) {
    throw new ProtocolError('bad_request', 'An event names its type and its own viewer.')
  }
  const parsed = v.safeParse(hostedEventSchema, body)
  if (parsed.success) return take(parsed.output, viewer, signal)
  const { type, viewerId, ...payload } = envelope.output
  const name = type.slice(0, 128)
  if (KNOWN.has(type)) throw new ProtocolError('bad_request', `The event "${type}" lacks what belongs to it.`)
  forward(viewer, { kind: 'custom', type: name, payload })
}

const KNOWN: ReadonlySet<string> = new Set(hostedEventSchema.options.map(({ entries }) => entries.type.literal))

async function take(event: HostedEvent, viewer: Viewer, signal: AbortSignal): Promise<void> {
  switch (event.type) {
    case 'ready':
      return forward(viewer, { kind: 'ready', nCells: event.n_cells, dimensions: event.dimensions })
    case 'selection': {
      const { nObs } = await (await viewer.source).identity(signal)
      return forwardSelection(viewer, event, nObs)
    }
    case 'hover': {
      const { cell, position } = event
      const at = position === null ? null : [position.x, position.y, position.z]
      return forward(viewer, { kind: 'hover', cell, position: at })
    }
    case 'click': {
      const { cell, button, shift, ctrl } = event
      return forward(viewer, { kind: 'click', cell, button, shift, ctrl })
    }
    case 'pong':
      return forward(viewer, { kind: 'pong', requestId: event.requestId })
    case 'console': {
      const level = event.level === 'error' ? 'error' : 'warning'
      viewer.console.add([v.parse(consoleLineSchema, { level, message: event.message.slice(0, 2048), ts: Date.now() })])
    }
  }
}

/** Cells come in any order there; ours are ascending and unique. */
function forwardSelection(viewer: Viewer, event: { cells: readonly number[]; source: string }, nObs: number): void {
  const cells = Uint32Array.from(new Set(event.cells)).sort()
  if ((cells.at(-1) ?? 0) >= nObs) throw new ProtocolError('bad_request', `A selected cell is none of the ${nObs}.`)
  const { head, body } = encodeCells(cells, nObs)
  forward(viewer, { kind: 'selection', cells: head, source: event.source.slice(0, 128) }, body)
}

function forward(viewer: Viewer, event: ViewerEvent, body: Uint8Array = new Uint8Array()): void {
  viewer.forwardEvent(randomBytes(8).toString('hex'), event, body)
}
