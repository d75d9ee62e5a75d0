import type { FastifyInstance } from 'fastify'
import { expect, onTestFinished } from 'vitest'
import type { SourceRead } from '../../protocol/pipe.ts'
import type { InstanceId, PageKey } from '../../protocol/probe.ts'
import { KEY_HEADER } from '../../protocol/urls.ts'
import { buildApp } from '../../server/app.ts'
import type { Pieces } from '../../server/frames/byte-pieces.ts'
import { ColumnCache } from '../../server/frames/frame-cache.ts'
import type { HostedUi } from '../../server/hosted-ui/hosted-ui.ts'
import { HostedViewer } from '../../server/hosted-ui/hosted-viewer.ts'
import { openPageFile } from '../../server/http/page-file.ts'
import type { FrameCache } from '../../server/http/request-context.ts'
import { EventLoopWatch } from '../../server/process/event-loop-lag.ts'
import { Log } from '../../server/process/log.ts'
import { isFrameOf } from '../../server/routes/send-frame.ts'
import { openSource } from '../../server/sources/open-source.ts'
import type { KernelLink, Notification } from '../../server/viewers/kernel-notifier.ts'
import { KernelPulse } from '../../server/viewers/kernel-status.ts'
import { Report } from '../../server/viewers/report.ts'
import type { Viewer } from '../../server/viewers/viewer.ts'
import { Viewers } from '../../server/viewers/viewer-registry.ts'
import { smallDataset } from './small-dataset.ts'
import { type Ids, kernelSource, makeIds, STAND_IN_PAGE } from './start-server.ts'

export const INSTANCE = '00000000000000aa' as InstanceId // 16 hex characters
export const HOST = '127.0.0.1:8765'
export const VERSION = '0.0.0-test'

export type Said = Notification & { body: Uint8Array }
export type AppStage = {
  app: FastifyInstance
  viewers: Viewers
  columns: FrameCache
  report: Report
  log: Log
  /** What was said to the kernel. */
  said: Said[]
  /** What the kernel was asked to read. */
  reads: SourceRead[]
  /** @param ui shows it in place of the embedded page */
  open(ids?: Ids, cellCount?: number, ui?: HostedUi): Viewer & Ids
  /** A page key of the viewer, and the headers to ask with. */
  key(ids: Ids): { key: PageKey; headers: Record<string, string> }
}

/** What no answer may lack, whatever it is. */
const EVERY_ANSWER = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'none',
  'content-security-policy': /^(sandbox; default-src 'none'|default-src 'none'; script-src )/,
  'cross-origin-resource-policy': /^(same-origin|cross-origin)$/,
  'cache-control': /^(no-store|private, no-cache)$/,
}

/** Names of the headers that every answer carries and this one does not. */
export function missingHeaders(headers: Record<string, unknown>): string[] {
  return Object.entries(EVERY_ANSWER).flatMap(([name, wanted]) => {
    const value = String(headers[name])
    return (typeof wanted === 'string' ? value === wanted : wanted.test(value)) ? [] : [name]
  })
}

/** The application in this process, over small datasets; it does not listen until told to. */
export async function appStage(): Promise<AppStage> {
  const columns = new ColumnCache<Pieces>(16 << 20)
  const viewers = new Viewers(INSTANCE, (sourceId) => columns.forget((key) => isFrameOf(key, sourceId)))
  const log = new Log(() => undefined, 'debug')
  const eventLoop = new EventLoopWatch()
  const report = new Report({ viewers, log, eventLoop, version: VERSION, port: () => 8765 })
  const page = await openPageFile(STAND_IN_PAGE)
  const app = await buildApp({ viewers, page, shell: page, columns, log, report, eventLoop, version: VERSION })
  const bare: string[] = []
  app.addHook('onResponse', async (request, reply) => {
    const missing = missingHeaders(reply.getHeaders())
    if (missing.length > 0) bare.push(`${request.method} ${request.url} ${reply.statusCode}: no ${missing.join(', ')}`)
  })
  const said: Said[] = []
  const reads: SourceRead[] = []
  const kernel: KernelLink = {
    notify: async (message, body = new Uint8Array()) => {
      said.push({ ...message, body })
    },
  }
  onTestFinished(async () => {
    await viewers.closeAll('The test ended.')
    eventLoop.stop()
    await app.close()
    expect(bare, 'answers without the headers that every answer carries').toEqual([])
  })
  return {
    app,
    viewers,
    columns,
    report,
    log,
    said,
    reads,
    open(ids = makeIds(), cellCount = 700, ui) {
      const { source: spec, options, state, savesPictures } = kernelSource()
      const read = smallDataset(cellCount)
      const pulse = new KernelPulse(() => undefined)
      const source = openSource(spec, options, async (question) => {
        reads.push(question)
        return read(question)
      })
      const viewer = viewers.open({
        id: ids.viewerId,
        token: ids.viewerToken,
        kernel,
        source,
        pulse,
        state,
        savesPictures,
        hosted: ui === undefined ? null : new HostedViewer(ui),
      })
      return Object.assign(viewer, ids)
    },
    key({ viewerId, viewerToken }) {
      const key = viewers.trade(viewerId, viewerToken)
      if (key === null) throw new Error('No key.')
      return { key, headers: { host: HOST, [KEY_HEADER]: key } }
    },
  }
}
