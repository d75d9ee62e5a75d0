import type { Writable } from 'node:stream'
import { ProtocolError } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { type Config, parseConfig } from './config.ts'
import { dieOfTheUnexpected, EXIT_UNAVAILABLE, EXIT_USAGE } from './exit-status.ts'
import { KernelCalls } from './kernel-calls.ts'
import type { KernelLink } from './kernel-link.ts'
import { PortTakenError } from './listen.ts'
import { Log } from './log.ts'
import { watchParent } from './parent.ts'
import { Pipe } from './pipe.ts'
import { lineWriter, openInput, openOutput, writeLastLine } from './process-streams.ts'
import { readAhead } from './read-ahead.ts'
import { endService, type Service, startService } from './service.ts'
import type { KernelRead } from './sources/open-source.ts'
import { openSource } from './sources/open-source.ts'
import { prewarm } from './sources/stored-thread.ts'

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
  const kernel = kernelLink(pipe, log)
  let service: Service
  try {
    service = await startService({ config, log })
  } catch (error) {
    return fail(pipe, output, error, EXIT_UNAVAILABLE)
  }
  const { tunnel, viewers, report, hosted, port, version, settings, columns } = service
  const calls = new KernelCalls({
    viewers,
    kernel,
    open: (spec, options, read) => openSource(spec, options, read, settings),
    readFrom: (sourceId) => readFrom(pipe, sourceId),
    readAhead: (viewer) => readAhead(columns, viewer),
    tunnel: (params, body) => tunnel.fetch(params, body, port),
    report,
    hosted,
    log,
  })
  const end = Promise.withResolvers<string>()
  if (config.parentPid !== null) watchParent(config.parentPid, () => end.resolve('the kernel is gone'))
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end.resolve(signal))
  // The kernel's interrupt is meant for its cell; only the kernel ends this process.
  process.on('SIGINT', () => log.debug('Interrupts are the kernel’s'))
  const { instanceId } = viewers
  const facts = { port, instanceId, protocol: PROTOCOL_VERSION, version }
  void kernel.notify({ method: 'server.ready', params: facts })
  void pipe
    .read(openInput(), (method, message) => calls.serve(method, message))
    .then((error) => end.resolve(error === null ? 'stdin ended' : error.message))
  setTimeout(prewarm, PREWARM_DELAY_MS).unref()

  const reason = await end.promise
  log.info('Ending', { reason })
  pipe.close()
  // A read that waits for the kernel hears that it is gone, and not that its viewer was closed.
  await new Promise((told) => setImmediate(told))
  for (const viewer of viewers.all) viewer.tellPages({ kind: 'kernel', status: 'gone' })
  await endService(service, 'The notebook kernel has ended. Run the cell again.')
  process.exit(0)
}

function configOrError(argv: readonly string[]): Config | Error {
  try {
    return parseConfig(argv)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
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
