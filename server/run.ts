import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import packageFacts from '../package.json' with { type: 'json' }
import { ProtocolError } from '../protocol/errors.ts'
import type { InstanceId } from '../protocol/probe.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { buildApp } from './app.ts'
import { ColumnCache } from './column-cache.ts'
import { type Config, parseConfig } from './config.ts'
import { EventLoopWatch } from './event-loop-watch.ts'
import { KernelCalls } from './kernel-calls.ts'
import type { KernelLink } from './kernel-link.ts'
import { LIMITS } from './limits.ts'
import { listen, PortTakenError } from './listen.ts'
import { Log } from './log.ts'
import { openPageFile, type PageFile } from './page-file.ts'
import { watchParent } from './parent.ts'
import { Pipe } from './pipe.ts'
import { lineWriter, openOutput, writeLastLine } from './process-streams.ts'
import { Report } from './report.ts'
import { ColumnFolder } from './sources/column-folder.ts'
import type { KernelRead } from './sources/open-source.ts'
import { openSource } from './sources/open-source.ts'
import { prewarm } from './sources/stored-thread.ts'
import { Tunnel } from './tunnel.ts'
import { Viewers } from './viewers.ts'

/** As in sysexits(3). */
const EXIT_USAGE = 64
const EXIT_UNAVAILABLE = 69
const EXIT_SOFTWARE = 70

/** The reader of files is loaded ahead of the first one, but not beside the first picture. */
const PREWARM_DELAY_MS = 2_000

/**
 * The server process, from its first line to its last: pipe, application, port, `server.ready`; then until stdin or the
 * process that started it ends.
 */
export async function runServer(argv: readonly string[]): Promise<void> {
  const output = openOutput(1)
  const pipe = new Pipe(output)
  const config = configOrError(argv)
  if (config instanceof Error) return fail(pipe, output, config, EXIT_USAGE)
  const log = new Log(lineWriter(openOutput(2)), config.logLevel)
  dieOfTheUnexpected()
  const viewers = new Viewers(randomBytes(8).toString('hex') as InstanceId) // 8 bytes are 16 hex characters
  const eventLoop = new EventLoopWatch()
  let port = 0
  const report = new Report({ viewers, log, eventLoop, version: packageFacts.version, port: () => port })
  const columns = new ColumnCache(LIMITS.columnCacheBytes)
  const page = await pageOrNull(config.pageFolder, log)
  const app = await buildApp({ viewers, page, columns, log, report, eventLoop, version: packageFacts.version })
  const kernel = kernelLink(pipe, log)
  try {
    port = await listen(app, config.port, config.isPortFixed)
  } catch (error) {
    return fail(pipe, output, error, EXIT_UNAVAILABLE)
  }

  const columnFolder = config.cacheFolder === null ? null : new ColumnFolder(join(config.cacheFolder, 'columns'))
  const tunnel = new Tunnel(app)
  const calls = new KernelCalls({
    viewers,
    kernel,
    open: (spec, options, read) => openSource(spec, options, read, { columnFolder }),
    readFrom: (sourceId) => readFrom(pipe, sourceId),
    tunnel: (params, body) => tunnel.fetch(params, body, port),
    report,
    log,
  })
  const end = Promise.withResolvers<string>()
  if (config.parentPid !== null) watchParent(config.parentPid, () => end.resolve('the kernel is gone'))
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end.resolve(signal))
  // The kernel's interrupt is meant for its cell; only the kernel ends this process.
  process.on('SIGINT', () => log.debug('Interrupts are the kernel’s'))
  const { instanceId } = viewers
  const facts = { port, instanceId, protocol: PROTOCOL_VERSION, version: packageFacts.version }
  void kernel.notify({ method: 'server.ready', params: facts })
  void pipe
    .read(process.stdin, (method, message) => calls.serve(method, message))
    .then((error) => end.resolve(error === null ? 'stdin ended' : error.message))
  log.info('Listening', { port, instanceId, version: packageFacts.version })
  setTimeout(prewarm, PREWARM_DELAY_MS).unref()

  const reason = await end.promise
  log.info('Ending', { reason })
  await close(app, viewers, pipe)
  process.exit(0)
}

function configOrError(argv: readonly string[]): Config | Error {
  try {
    return parseConfig(argv)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function pageOrNull(folder: string, log: Log): Promise<PageFile | null> {
  try {
    return await openPageFile(folder)
  } catch (error) {
    log.error('There is no page to show', { error })
    return null
  }
}

function kernelLink(pipe: Pipe, log: Log): KernelLink {
  return {
    notify: async ({ method, params }, body, options) => {
      try {
        await pipe.notify(method, params, body, options)
      } catch (error) {
        log.error('A message for the kernel was lost', { method, error })
      }
    },
  }
}

function readFrom(pipe: Pipe, sourceId: string): KernelRead {
  return (read, signal) => pipe.call('source.read', { sourceId, read }, signal)
}

/** Tell the kernel why there will be no server, and end. */
async function fail(pipe: Pipe, output: Writable, error: unknown, status: number): Promise<void> {
  const code = error instanceof PortTakenError ? 'port_taken' : error instanceof ProtocolError ? error.code : 'internal'
  const message = error instanceof Error ? error.message : String(error)
  await pipe.notify('server.failed', { code, message })
  await new Promise<void>((resolve) => output.end(resolve))
  writeLastLine(`${message}\n`)
  process.exit(status)
}

/** Pages hear that the kernel is gone, then everything ends; what does not end by itself in time is cut off. */
async function close(app: FastifyInstance, viewers: Viewers, pipe: Pipe): Promise<void> {
  pipe.close()
  for (const viewer of viewers.all) viewer.tellPages({ kind: 'kernel', status: 'gone' })
  const closing = viewers.closeAll('The notebook kernel has ended. Run the cell again.').then(() => app.close())
  await Promise.race([closing, delay(LIMITS.closeTimeoutMs)])
}

/** One line, and out: a process in an unknown state serves nobody. */
function dieOfTheUnexpected(): void {
  const last = new Log(writeLastLine)
  process.on('uncaughtException', (error) => {
    last.error('Unexpected', { error })
    process.exit(EXIT_SOFTWARE)
  })
}
