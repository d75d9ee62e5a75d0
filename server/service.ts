import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import packageFacts from '../package.json' with { type: 'json' }
import type { InstanceId } from '../protocol/probe.ts'
import { buildApp } from './app.ts'
import type { Pieces } from './frames/byte-pieces.ts'
import { ColumnCache } from './frames/frame-cache.ts'
import { HostedUis } from './hosted-ui/hosted-uis.ts'
import type { Entrance } from './http/landing.ts'
import { openPageFile, PAGE_NAME, type PageFile, SHELL_NAME } from './http/page-file.ts'
import type { FrameCache } from './http/request-context.ts'
import { Tunnel } from './http/tunnel.ts'
import { type Config, columnPlace, hostedSettings } from './process/config.ts'
import { EventLoopWatch } from './process/event-loop-lag.ts'
import { LIMITS } from './process/limits.ts'
import { listen } from './process/listen.ts'
import type { Log } from './process/log.ts'
import { isFrameOf } from './routes/send-frame.ts'
import { ColumnFolder } from './sources/csc-cache/csc-folder.ts'
import type { SourceSettings } from './sources/open-source.ts'
import { Report } from './viewers/report.ts'
import { Viewers } from './viewers/viewer-registry.ts'

export type ServiceParts = {
  config: Pick<Config, 'port' | 'isPortFixed' | 'pageFolder' | 'cacheFolder'>
  log: Log
  /** The address to listen on; this machine's own unless the user named another. */
  host?: string | undefined
  /** What else `/` may answer; only without a kernel. */
  entrance?: Entrance | undefined
}

/** A server that listens, whoever wanted it: a kernel or a person at a terminal. */
export type Service = {
  app: FastifyInstance
  tunnel: Tunnel
  viewers: Viewers
  report: Report
  hosted: HostedUis
  port: number
  version: string
  /** How the sources of this server are opened. */
  settings: SourceSettings
  /** Frames that were read, for all viewers. */
  columns: FrameCache
}

/** @throws PortTakenError when the port is fixed and taken */
export async function startService({ config, log, host, entrance }: ServiceParts): Promise<Service> {
  const { version } = packageFacts
  const columns = new ColumnCache<Pieces>(LIMITS.columnCacheBytes)
  const instanceId = randomBytes(8).toString('hex') as InstanceId // 8 bytes are 16 hex characters
  const viewers = new Viewers(instanceId, (sourceId) => columns.forget((key) => isFrameOf(key, sourceId)))
  const eventLoop = new EventLoopWatch()
  let port = 0
  const report = new Report({ viewers, log, eventLoop, version, port: () => port })
  const page = await pageOrNull(config.pageFolder, PAGE_NAME, log)
  const shell = await pageOrNull(config.pageFolder, SHELL_NAME, log)
  const hosted = new HostedUis({ ...hostedSettings(), log })
  const app = await buildApp({ viewers, page, shell, columns, log, report, eventLoop, version, entrance })
  const tunnel = new Tunnel(app.inner)
  port = await listen(app, config.port, config.isPortFixed, host)
  log.info('Listening', { port, instanceId: viewers.instanceId, version })
  const columnFolder = config.cacheFolder === null ? null : new ColumnFolder(columnPlace(config.cacheFolder))
  return { app, tunnel, viewers, report, hosted, port, version, settings: { columnFolder }, columns }
}

/** Pages hear why it ends; what does not end by itself in time is cut off. */
export async function endService({ app, viewers, hosted }: Service, reason: string): Promise<void> {
  const closing = viewers.closeAll(reason).then(() => Promise.all([app.close(), hosted.close()]))
  await Promise.race([closing, delay(LIMITS.closeTimeoutMs)])
}

async function pageOrNull(folder: string, name: string, log: Log): Promise<PageFile | null> {
  try {
    return await openPageFile(folder, name)
  } catch (error) {
    log.error('There is no page to show', { error })
    return null
  }
}
