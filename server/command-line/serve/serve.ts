import { hostname, userInfo } from 'node:os'
import { messageOf } from '../../../protocol/errors.ts'
import type { HostedState } from '../../../protocol/hosted.ts'
import { visible } from '../../../protocol/visible-text.ts'
import { bracketed, hostHeaders, isLoopbackAddress, namesOf } from '../../access/served-hosts.ts'
import type { HostedUi } from '../../hosted-ui/hosted-ui.ts'
import { defaultUi, parseConfig, type Surroundings } from '../../process/config.ts'
import { dieOfTheUnexpected, EXIT_INTERRUPTED } from '../../process/exit-status.ts'
import { LOOPBACK } from '../../process/listen.ts'
import { Log } from '../../process/log.ts'
import { handleSignals } from '../../process/signals.ts'
import { endService, type Service, startService } from '../../service.ts'
import { counted, sizeText } from '../counted.ts'
import { readableLine } from '../readable-line.ts'
import type { Terminal } from '../terminal.ts'
import { findDatasets } from './find-datasets.ts'
import { openBrowser } from './open-browser.ts'
import { FrontDoor } from './serve-links.ts'
import { parseServeOptions, type ServeOptions } from './serve-options.ts'
import { Shelf, type Shelved } from './served-datasets.ts'

/** As many are named in the terminal; the page has all. */
const NAMED_DATASETS = 20

const SECRET = 'The link holds a secret: whoever has it sees the data, as long as this runs.'
const EXPOSED =
  'Other machines can reach this server. It shows nothing without the link, but what travels can be read on the way. ' +
  'Without --host, and with "ssh -L" where you look, it cannot.'

/**
 * Show datasets in the browser until the person at the terminal, or the system, ends it.
 * @throws UsageError, DataError, PortTakenError, and what the system says of an address to listen on
 */
export async function serve(argv: readonly string[], terminal: Terminal, around: Surroundings): Promise<true> {
  const options = parseServeOptions(argv, defaultUi())
  const ended = untilEnded()
  const find = () => findDatasets(options.paths)
  const found = await find()
  dieOfTheUnexpected()
  const door = new FrontDoor(find)
  const service = await startAt(options, door, terminal)
  const hosted = options.hostedSource === null ? null : await service.hosted.of(options.hostedSource)
  const shelf = new Shelf(service.viewers, { settings: service.settings, view: options.view, hosted })
  shelf.add(found)
  door.shelf = shelf
  try {
    await Promise.race([
      ended,
      show({ options, terminal, around, service, shelf, door, hosted, signal: signalOf(ended) }),
    ])
    await ended
  } finally {
    await endService(service, 'cellucid-notebook was ended in the terminal.')
  }
  terminal.say('Ended.')
  return true
}

function startAt({ port, host, isVerbose }: ServeOptions, door: FrontDoor, terminal: Terminal): Promise<Service> {
  const config = parseConfig([])
  return startService({
    config: port === null ? config : { ...config, port, isPortFixed: true },
    log: new Log((line) => terminal.tell(readableLine(line)), isVerbose ? 'debug' : 'error'),
    host: host ?? undefined,
    entrance: door.answer,
  })
}

/** The first of these ends it with all that belongs to it; a second Ctrl+C does not wait for that. */
function untilEnded(): Promise<void> {
  return new Promise((end) => {
    process.once('SIGINT', () => {
      process.once('SIGINT', () => process.exit(EXIT_INTERRUPTED))
      end()
    })
    handleSignals(() => end())
  })
}

function signalOf(ended: Promise<void>): AbortSignal {
  const controller = new AbortController()
  void ended.then(() => controller.abort())
  return controller.signal
}

type Scene = {
  options: ServeOptions
  terminal: Terminal
  around: Surroundings
  service: Service
  shelf: Shelf
  door: FrontDoor
  hosted: HostedUi | null
  /** Aborts when the person at the terminal has had enough. */
  signal: AbortSignal
}

/** Say what there is and where, and open it where that is wanted. */
async function show({ options, terminal, around, service, shelf, door, hosted, signal }: Scene): Promise<void> {
  const { host, opensBrowser } = options
  const outside = host === null || isLoopbackAddress(host) ? [] : namesOf(host)
  if (outside.length > 0) {
    const hosts = hostHeaders(outside, service.port)
    service.viewers.expose({ hosts, admits: (id) => id === door.listId })
  }
  await introduce(shelf, terminal)
  if (hosted !== null) await fetchHosted(hosted, terminal, signal)
  const bases = basesOf(host, outside, service.port)
  for (const base of bases) terminal.say(`  ${terminal.strong(door.link(base))}`)
  terminal.say()
  if (outside.length > 0) terminal.complain('warning', EXPOSED)
  else if (around.isRemote) terminal.say(forwardAdvice(service.port))
  const hasBrowser = around.browser !== null || (around.hasScreen && !around.isRemote)
  const isOpened =
    (opensBrowser ?? (terminal.isWatched && hasBrowser)) && (await openBrowser(door.passLink(bases[0] ?? ''), around))
  if (opensBrowser === true && !isOpened) terminal.complain('warning', 'No browser could be started here.')
  terminal.say(`${isOpened ? 'It opens in the browser.' : 'Open it in a browser.'} ${SECRET}`)
  terminal.say(terminal.faint('Ctrl+C ends it.'))
}

/** One dataset is opened at once, so that what is wrong with it is said here; of several, each when it is chosen. */
async function introduce(shelf: Shelf, terminal: Terminal): Promise<void> {
  const [first, ...more] = shelf.datasets
  terminal.say()
  if (first !== undefined && more.length === 0) {
    const { nObs, nVar } = await terminal.during(() => `Opening ${visible(first.name)}`, describe(shelf, first))
    terminal.say(`${visible(first.name)}: ${counted(nObs, 'cell')} × ${counted(nVar, 'gene')}`)
  } else {
    terminal.say(`${counted(shelf.datasets.length, 'dataset')}, to choose from in the page:`)
    for (const { name } of shelf.datasets.slice(0, NAMED_DATASETS)) terminal.say(`  ${visible(name)}`)
    const unnamed = shelf.datasets.length - NAMED_DATASETS
    if (unnamed > 0) terminal.say(`  and ${unnamed} more`)
  }
  terminal.say()
}

/** Fetched before the link is there to be opened; where that fails, the page has the ways out of it. */
async function fetchHosted(hosted: HostedUi, terminal: Terminal, signal: AbortSignal): Promise<void> {
  try {
    await terminal.during(() => fetchingLine(hosted.state), hosted.ensure(false))
    terminal.say(`Shown by cellucid's hosted viewer, from ${hosted.source}.`)
  } catch (error) {
    signal.throwIfAborted()
    const reason = messageOf(error)
    terminal.complain('warning', `The hosted viewer is not there: ${reason} ${HOSTED_WAY_OUT}`)
  }
  terminal.say()
}

const HOSTED_WAY_OUT = 'The page shows the data in the embedded viewer at a click, or run this again without --ui.'

function fetchingLine({ source, progress }: HostedState): string {
  const { done = 0, total = 0, bytes = 0 } = progress ?? {}
  const files = total > 1 ? `: ${done} of ${total} files, ${sizeText(bytes)}` : ''
  return `Fetching the hosted viewer from ${source}${files}`
}

async function describe(shelf: Shelf, dataset: Shelved) {
  const viewer = await shelf.open(dataset)
  const source = await viewer.source
  return source.identity(viewer.ended)
}

/** The addresses to open, the nearest first. */
function basesOf(host: string | null, outside: readonly string[], port: number): string[] {
  const isEverywhere = host !== null && outside.length > 0 && !outside.includes(host)
  const own = outside.length === 0 || isEverywhere ? [host === null || isEverywhere ? LOOPBACK : host] : []
  return [...own, ...outside].map((name) => `http://${bracketed(name)}:${port}/`)
}

function forwardAdvice(port: number): string {
  const { username } = userInfo()
  return (
    'This terminal is on another machine than your browser. Open a second terminal on your own machine, run\n\n' +
    `  ssh -N -L ${port}:${LOOPBACK}:${port} ${username}@${hostname()}\n\n` +
    'with the name by which you reach this machine, and then open the link there.'
  )
}
