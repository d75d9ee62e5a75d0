import type { Writable } from 'node:stream'
import { messageOf, ProtocolError } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { Pipe } from './kernel/json-rpc-pipe.ts'
import { KernelCalls } from './kernel/kernel-calls.ts'
import { KernelReads } from './kernel/kernel-reads.ts'
import { type Config, parseConfig } from './process/config.ts'
import { openDoor } from './process/door.ts'
import { dieOfTheUnexpected, EXIT_UNAVAILABLE, EXIT_USAGE } from './process/exit-status.ts'
import { PortTakenError } from './process/listen.ts'
import { Log } from './process/log.ts'
import { watchParent } from './process/parent-watch.ts'
import { handleSignals } from './process/signals.ts'
import { lineWriter, openInput, openOutput, writeLastLine } from './process/stdio.ts'
import { readAhead } from './routes/read-ahead.ts'
import { endService, type Service, startService } from './service.ts'
import { prewarm } from './sources/files/reader-thread.ts'
import { openSource } from './sources/open-source.ts'
import type { KernelLink } from './viewers/kernel-notifier.ts'

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
    open: (spec, options, readFrom) => {
      const read = readFrom(spec.kind === 'kernel' ? spec.sourceId : '')
      return openSource(spec, options, read, { ...settings, readFrom })
    },
    reads: new KernelReads(pipe),
    readAhead: (viewer) => readAhead(columns, viewer),
    tunnel: (params, body) => tunnel.fetch(params, body, port),
    report,
    hosted,
    log,
  })
  const end = Promise.withResolvers<string>()
  if (config.parentPid !== null) watchParent(config.parentPid, () => end.resolve('the kernel is gone'))
  handleSignals((signal) => end.resolve(signal))
  // The kernel's interrupt is meant for its cell; only the kernel ends this process.
  process.on('SIGINT', () => log.debug('Interrupts are the kernel’s'))
  const { instanceId } = viewers
  const door = config.doorFolder === null ? null : await openDoor(service.app.server, config.doorFolder, log)
  const facts = { port, instanceId, protocol: PROTOCOL_VERSION, version, hasDoor: door !== null }
  void kernel.notify({ method: 'server.ready', params: facts })
  void pipe
    .read(openInput(), (method, message) => calls.serve(method, message))
    .then((error) => end.resolve(error === null ? 'stdin ended' : error.message))
  setTimeout(prewarm, PREWARM_DELAY_MS).unref()

  const reason = await end.promise
  log.info('Ending', { reason })
  pipe.close()
  await door?.close().catch((error) => log.debug('The socket file stays', { error }))
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
        if (error instanceof ProtocolError) throw error
        log.error('A message for the kernel was lost', { method, error })
      }
    },
  }
}

/** Tell the kernel why there will be no server, and end. */
async function fail(pipe: Pipe, output: Writable, error: unknown, status: number): Promise<void> {
  const code = error instanceof PortTakenError ? 'port_taken' : error instanceof ProtocolError ? error.code : 'internal'
  const message = messageOf(error)
  await pipe.notify('server.failed', { code, message })
  await new Promise<void>((resolve) => output.end(resolve))
  writeLastLine(`${message}\n`)
  process.exit(status)
}
