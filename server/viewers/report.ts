import { messageOf } from '../../protocol/errors.ts'
import type { ConsoleLine } from '../../protocol/events.ts'
import { allNotes } from '../../protocol/identity.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import type { Lesson } from '../access/proven-locations.ts'
import type { EventLoopWatch } from '../process/event-loop-lag.ts'
import { LIMITS } from '../process/limits.ts'
import type { Log, LogLine } from '../process/log.ts'
import type { HostedReport } from './hosted-page.ts'
import type { Viewer } from './viewer.ts'
import type { Viewers } from './viewer-registry.ts'

/** How often a route was answered with a status. */
export type RouteCount = { method: string; route: string; status: number; count: number }
export type ServerReport = {
  version: string
  protocol: number
  instanceId: string
  port: number
  pid: number
  node: string
  uptimeSeconds: number
  /** bytes */
  memory: number
  eventLoopLateMs: number
  viewers: number
  requests: RouteCount[]
  /** Hosts answered 421, with how often: a proxy that renames, or somebody who should not be there. */
  refusedHosts: Record<string, number>
  log: readonly LogLine[]
  viewer: ViewerReport | null
}
/** `sorting`: how much of the genes has been sorted for quick access, 0 to 1, or `null`. */
type SourceReport = {
  kind: string
  name: string
  cells: number
  genes: number
  sorting: number | null
  notes: readonly string[]
}
export type ViewerReport = {
  viewerId: string
  source: SourceReport | { error: string } | null
  pages: PageReport[]
  pageKeys: number
  learnt: readonly Lesson[]
  waitingCommands: number
  /** `null`: the embedded page. `isShown` false: the user went over to that. */
  hosted: HostedReport | null
  console: readonly ConsoleLine[]
  consoleDropped: number
}

/** One page's channel; `received` and `sent` count frames, `connections` how often it said hello. */
export type PageReport = {
  carrier: 'socket' | 'poll' | null
  isOpen: boolean
  received: number
  sent: number
  connections: number
  unknownMessages: number
}

/** A report travels in one frame's header, so it holds the newest lines only. */
const REPORTED_CONSOLE_LINES = 200
const SOURCE_TIMEOUT_MS = 200

export type ReportParts = { viewers: Viewers; log: Log; eventLoop: EventLoopWatch; version: string; port: () => number }

/** What the server saw, for `viewer.debug_connection()`. Everything in it is bounded and holds no secret. */
export class Report {
  readonly #parts: ReportParts
  readonly #refusedHosts = new Map<string, number>()
  /** By route. */
  readonly #requests = new Map<string, RouteCount[]>()

  constructor(parts: ReportParts) {
    this.#parts = parts
  }

  countRefusedHost(host: string): void {
    const known = this.#refusedHosts.get(host)
    if (known === undefined && this.#refusedHosts.size >= LIMITS.refusedHosts) return
    this.#refusedHosts.set(host, (known ?? 0) + 1)
  }

  countRequest(method: string, route: string, status: number): void {
    const ofRoute = this.#requests.get(route) ?? []
    const known = ofRoute.find((entry) => entry.status === status && entry.method === method)
    if (known !== undefined) known.count++
    else this.#requests.set(route, [...ofRoute, { method, route, status, count: 1 }])
  }

  async of(viewer: Viewer | null): Promise<ServerReport> {
    const { viewers, log, eventLoop, version, port } = this.#parts
    return {
      version,
      protocol: PROTOCOL_VERSION,
      instanceId: viewers.instanceId,
      port: port(),
      pid: process.pid,
      node: process.version,
      uptimeSeconds: Math.round(process.uptime()),
      memory: process.memoryUsage.rss(),
      eventLoopLateMs: Math.round(eventLoop.lateMs),
      viewers: viewers.all.length,
      requests: [...this.#requests.values()].flat(),
      refusedHosts: Object.fromEntries(this.#refusedHosts),
      log: log.lines,
      viewer: viewer === null ? null : await viewerReport(viewer, viewers),
    }
  }
}

async function viewerReport(viewer: Viewer, viewers: Viewers): Promise<ViewerReport> {
  return {
    viewerId: viewer.id,
    source: await sourceReport(viewer),
    pages: viewer.pages.map(({ carrier, isOpen, received, sent, connections, unknownMessages }) => ({
      carrier: carrier?.kind ?? null,
      isOpen,
      received,
      sent,
      connections,
      unknownMessages,
    })),
    pageKeys: viewers.keys.count(viewer.id),
    learnt: viewer.learnt.lessons,
    waitingCommands: viewer.outbox.waiting.length,
    hosted: viewer.hosted?.report() ?? null,
    console: viewer.console.lines.slice(-REPORTED_CONSOLE_LINES),
    consoleDropped: viewer.console.dropped,
  }
}

/** `null` when the source does not answer at once: a report must not wait for a busy kernel. */
async function sourceReport(viewer: Viewer): Promise<ViewerReport['source']> {
  const signal = AbortSignal.timeout(SOURCE_TIMEOUT_MS)
  const late = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  const describe = async () => {
    const source = await viewer.source
    const identity = await source.identity(signal)
    const { done } = await source.progress()
    const { name, nObs, nVar } = identity
    return { kind: source.kind, name, cells: nObs, genes: nVar, sorting: done, notes: allNotes(identity) }
  }
  return Promise.race([
    late,
    describe().catch((error: unknown) => (signal.aborted ? null : { error: messageOf(error) })),
  ])
}
