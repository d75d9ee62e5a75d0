import * as v from 'valibot'
import type { DataSource } from '../../data/data-source.ts'
import { checkCells } from '../../protocol/cells.ts'
import { assertNever, messageOf, ProtocolError } from '../../protocol/errors.ts'
import { type KernelCall, kernelCallSchema, type OpenOptions } from '../../protocol/pipe.ts'
import { parseViewerId, parseViewerToken } from '../../protocol/probe.ts'
import { messageName, missOf } from '../../protocol/refusal.ts'
import type { HostedUi } from '../hosted-ui/hosted-ui.ts'
import type { HostedUis } from '../hosted-ui/hosted-uis.ts'
import { HostedViewer } from '../hosted-ui/hosted-viewer.ts'
import type { TunnelAnswer, TunnelFetch } from '../http/tunnel.ts'
import type { Log } from '../process/log.ts'
import type { KernelRead, SourceSpec } from '../sources/open-source.ts'
import type { KernelLink } from '../viewers/kernel-notifier.ts'
import { KernelPulse } from '../viewers/kernel-status.ts'
import type { Report } from '../viewers/report.ts'
import type { Viewer } from '../viewers/viewer.ts'
import type { Viewers } from '../viewers/viewer-registry.ts'
import { Comparisons } from './comparisons.ts'
import type { Answer, Message } from './json-rpc-pipe.ts'
import type { KernelReads } from './kernel-reads.ts'

type OpenParams = Extract<KernelCall, { method: 'viewer.open' }>['params']
/** How a dataset is opened; see sources/open-source.ts. */
export type Open = (
  spec: SourceSpec,
  options: OpenOptions,
  readFrom: (sourceId: string) => KernelRead,
) => Promise<DataSource>

export type KernelCallParts = {
  viewers: Viewers
  kernel: KernelLink
  open: Open
  reads: KernelReads
  /** Read what the first page of a viewer asks for. */
  readAhead: (viewer: Viewer) => Promise<void>
  tunnel: (params: TunnelFetch, body: Uint8Array) => Promise<TunnelAnswer>
  report: Report
  hosted: HostedUis
  log: Log
}

/** Of a command that misses its schema: who is to hear so. */
const unreadCommandSchema = v.object({ viewerId: v.string(), seq: v.number(), command: v.unknown() })

const RESOLVE_TIMEOUT_MS = 30_000

/** What the kernel asks of the server. */
export class KernelCalls {
  readonly #parts: KernelCallParts
  readonly #comparisons = new Comparisons()
  constructor(parts: KernelCallParts) {
    this.#parts = parts
  }

  /** @returns the answer; `null` where the method is not known: counted as a line in the log, never fatal */
  async serve(method: string, { params, body }: Message): Promise<Answer | null> {
    const parsed = v.safeParse(kernelCallSchema, { method, params })
    if (!parsed.success) {
      if (this.#refusedCommand(params, parsed.issues)) return { result: {} }
      this.#parts.log.warn('The kernel sent what this server does not know', { method: method.slice(0, 64) })
      throw new ProtocolError('bad_request', `The viewer server cannot read "${method.slice(0, 64)}".`)
    }
    try {
      return await this.#take(parsed.output, body)
    } catch (error) {
      this.#logFailure(method, error)
      throw error
    }
  }

  /** A command is always answered, or the kernel would wait for it; whether this was one of a viewer. */
  #refusedCommand(params: unknown, issues: Parameters<typeof missOf>[0]): boolean {
    const command = v.safeParse(unreadCommandSchema, params)
    if (!command.success) return false
    const { viewerId, seq } = command.output
    this.#parts.viewers.need(viewerId).refuseCommand(seq, messageName(command.output), missOf(issues))
    return true
  }

  async #take(call: KernelCall, body: Uint8Array): Promise<Answer> {
    if (isOfComparison(call)) return this.#compare(call, body)
    const { viewers, report, tunnel, hosted } = this.#parts
    switch (call.method) {
      case 'viewer.open':
        await this.#open(call.params)
        return { result: {} }
      case 'viewer.cellSet': {
        const { viewerId, name, cells } = call.params
        checkCells(cells, body)
        viewers.need(viewerId).restoreCells(name, cells, body)
        return { result: {} }
      }
      case 'viewer.close':
        await this.#close(call.params.viewerId, call.params.reason)
        return { result: {} }
      case 'viewer.command': {
        const { viewerId, seq, command } = call.params
        await viewers.need(viewerId).addCommand(seq, command, body)
        return { result: {} }
      }
      case 'source.changed': {
        const { sourceIds, isAnew } = call.params
        const shown = viewers.all.filter((viewer) => viewer.kernelSourceIds.some((id) => sourceIds.includes(id)))
        await Promise.all(shown.map(({ data }) => data.changed(isAnew)))
        return { result: {} }
      }
      case 'source.sorting':
        for (const { kernelSourceIds, sorting } of viewers.all) {
          if (kernelSourceIds.includes(call.params.sourceId)) sorting.look()
        }
        return { result: {} }
      case 'viewer.oneTimeToken':
        viewers.need(call.params.viewerId).oneTimeTokens.add(call.params.token)
        return { result: {} }
      case 'viewer.console':
        viewers.need(call.params.viewerId).console.add(call.params.lines)
        return { result: {} }
      case 'tunnel.fetch': {
        const { status, headers, body: answered } = await tunnel(call.params, body)
        return { result: { status, headers }, body: answered }
      }
      case 'viewer.resolveColor': {
        const viewer = viewers.need(call.params.viewerId)
        const signal = AbortSignal.any([viewer.ended, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
        const source = await viewer.source
        return { result: { color: await source.resolveColor(call.params.field, call.params.matrix, signal) } }
      }
      case 'source.progress':
        this.#parts.reads.tell(call.params.readId, call.params.done)
        return { result: {} }
      case 'hosted.ensure': {
        const { source, force } = call.params
        return { result: await (await this.#hosted(source)).ensure(force).catch(refuse) }
      }
      case 'hosted.state':
        return { result: (await this.#hosted(call.params.source)).state }
      case 'hosted.cancel':
        ;(await this.#hosted(call.params.source)).cancel()
        return { result: {} }
      case 'hosted.forget':
        hosted.forget()
        return { result: {} }
      case 'report': {
        const { viewerId } = call.params
        return { result: await report.of(viewerId === null ? null : viewers.need(viewerId)) }
      }
      default:
        return assertNever(call)
    }
  }

  async #compare(call: ComparisonCall, body: Uint8Array): Promise<Answer> {
    switch (call.method) {
      case 'viewer.compare':
        return this.#comparisons.compare(this.#parts.viewers.need(call.params.viewerId), call.params, body)
      case 'compare.progress':
        return { result: { done: this.#comparisons.done(call.params.compareId) } }
      case 'compare.cancel':
        this.#comparisons.cancel(call.params.compareId)
        return { result: {} }
    }
  }

  #hosted(source: string): Promise<HostedUi> {
    return this.#parts.hosted.of(source).catch(refuse)
  }

  /** For a path and a MuData, answered when it is open; an AnnData in the kernel was checked there, and opens meanwhile. */
  async #open(params: OpenParams): Promise<void> {
    const { viewers, kernel, open, reads, readAhead, log } = this.#parts
    const { source: spec, options, state, savesPictures, hosted: asked, ...secrets } = params
    const ui = asked === undefined ? null : await this.#hosted(asked.source)
    const id = parseViewerId(secrets.viewerId)
    const token = parseViewerToken(secrets.viewerToken)
    if (id === null || token === null) throw new ProtocolError('bad_request', 'A viewer needs an id and a token.')
    if (viewers.get(id) !== null) throw new ProtocolError('bad_request', `Viewer ${id} is open already.`)
    const pulse = new KernelPulse((message) => viewers.get(id)?.tellPages(message))
    const source = open(spec, options, (sourceId) => pulse.watch(reads.from(sourceId)))
    // Every reader of the promise hears of a failure; a viewer without readers must not end the process.
    source.catch((error: unknown) => log.warn('A dataset could not be opened', { error }))
    const hosted = ui === null ? null : new HostedViewer(ui)
    const kernelSourceIds = sourceIdsOf(spec)
    const parts = { id, token, kernel, source, kernelSourceIds, pulse, state, savesPictures, hosted }
    const viewer = viewers.open(parts)
    // What the page will ask for is looked at, and fetched where it is missing, while the dataset is opened.
    void ui?.look()
    // A viewer with a state had pages, which may show something else.
    if (state === null) readAhead(viewer).catch((error: unknown) => log.debug('Nothing was read ahead', { error }))
    if (spec.kind === 'path' || spec.modalities !== undefined) await this.#untilOpen(viewer)
  }

  /** A viewer whose dataset cannot be opened does not stay. */
  async #untilOpen(viewer: Viewer): Promise<void> {
    try {
      await viewer.source
    } catch (error) {
      await this.#parts.viewers.close(viewer.id, 'The dataset could not be opened.')
      throw error
    }
  }

  async #close(viewerId: string, reason: string): Promise<void> {
    const id = parseViewerId(viewerId)
    if (id !== null) await this.#parts.viewers.close(id, reason)
  }

  /** A refusal with a sentence is the user's to read; only what nobody expected is the log's. */
  #logFailure(method: string, error: unknown): void {
    if (error instanceof ProtocolError) this.#parts.log.debug('Refused', { method, error })
    else this.#parts.log.error('A call of the kernel failed', { method, error })
  }
}

type ComparisonCall = Extract<KernelCall, { method: 'viewer.compare' | 'compare.progress' | 'compare.cancel' }>

function isOfComparison(call: KernelCall): call is ComparisonCall {
  return ['viewer.compare', 'compare.progress', 'compare.cancel'].includes(call.method)
}

/** What lives in the kernel of a dataset: an AnnData, or a MuData and its modalities. */
function sourceIdsOf(spec: SourceSpec): string[] {
  if (spec.kind === 'path') return []
  return [spec.sourceId, ...(spec.modalities ?? []).map(({ sourceId }) => sourceId)]
}

/** A sentence for the user, as it is. */
function refuse(error: unknown): never {
  if (error instanceof ProtocolError) throw error
  throw new ProtocolError('unsupported', messageOf(error), { cause: error })
}
