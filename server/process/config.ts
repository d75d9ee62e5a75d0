import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LOG_LEVELS, type LogLevel } from './log.ts'

export type Config = {
  /** Asked for; 0: any free one. */
  port: number
  /** Another port will not do. */
  isPortFixed: boolean
  /** Whose end is ours too, however that is noticed. */
  parentPid: number | null
  /** Holds the page's `index.html`. */
  pageFolder: string
  /** Holds what can be made again: genes of large files, sorted. `null`: nothing is kept. */
  cacheFolder: string | null
  /** Where to listen for the notebook server beside the port; made here. `null`: nowhere. */
  doorFolder: string | null
  logLevel: LogLevel
}

const DEFAULT_PORT = 8_765

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Read the command line; of the environment, where the user's cache is.
 * @throws Error that says which option is wrong
 */
export function parseConfig(argv: readonly string[], environment: Environment = process.env): Config {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string' },
      fixed: { type: 'boolean', default: false },
      parent: { type: 'string' },
      page: { type: 'string' },
      cache: { type: 'string' },
      door: { type: 'string' },
      log: { type: 'string', default: 'info' },
    },
  })
  const logLevel = LOG_LEVELS.find((level) => level === values.log)
  if (logLevel === undefined) throw new Error(`--log takes one of ${LOG_LEVELS.join(', ')}.`)
  return {
    port: values.port === undefined ? DEFAULT_PORT : wholeNumber('--port', values.port, 65_535),
    isPortFixed: values.fixed,
    parentPid: values.parent === undefined ? null : wholeNumber('--parent', values.parent, 2 ** 31),
    pageFolder: values.page ?? fileURLToPath(new URL('./page/', import.meta.url)),
    cacheFolder: values.cache === 'none' ? null : (values.cache ?? userCacheFolder(environment, process.platform)),
    doorFolder: values.door ?? null,
    logLevel,
  }
}

/** Where this system keeps what can be made again: our folder in it, which may not exist yet. */
export function userCacheFolder(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = environment
  if (platform === 'darwin') return join(homedir(), 'Library/Caches', OUR_FOLDER)
  if (platform === 'win32') return join(local ?? join(homedir(), 'AppData', 'Local'), OUR_FOLDER, 'Cache')
  // The specification says that a relative path is to be ignored: https://specifications.freedesktop.org/basedir-spec/
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), OUR_FOLDER)
}

/** Of our folder there, the part that holds genes of large files, sorted. */
export function columnPlace(cacheFolder: string): string {
  return join(cacheFolder, 'columns')
}

/** Which viewer shows the data where no argument says so. */
export function defaultUi({ CELLUCID_UI: ui }: Environment = process.env): string {
  return ui === undefined || ui === '' ? 'embedded' : ui
}

/** Where the hosted viewer's files are, and whether the network may be asked for them. */
export function hostedSettings(environment: Environment = process.env): { place: string; isOffline: boolean } {
  return { place: hostedCachePlace(environment), isOffline: environment.CELLUCID_OFFLINE === '1' }
}

export const HOSTED_CACHE_VARIABLE = 'CELLUCID_WEB_PROXY_CACHE_DIR'

/** The folder of the hosted viewer's files: the one that the environment names, else one in the user's cache. */
export function hostedCachePlace(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const named = environment[HOSTED_CACHE_VARIABLE] ?? ''
  if (named === '') return join(userCacheFolder(environment, platform), 'hosted-ui')
  return resolve(named === '~' || named.startsWith('~/') ? join(homedir(), named.slice(1)) : named)
}

/** What the environment says of the terminal that a command was typed at. */
export type Surroundings = {
  /** The terminal is on another machine than the server: its person's browser is there too. */
  isRemote: boolean
  /** The program that this terminal opens addresses with, as editors set it; `null`: the system's. */
  browser: string | null
  /** A window can be opened here. */
  hasScreen: boolean
}

export function surroundings(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): Surroundings {
  const { SSH_CONNECTION: ssh, BROWSER: browser, DISPLAY: display, WAYLAND_DISPLAY: wayland } = environment
  return {
    isRemote: Boolean(ssh),
    browser: browser || null,
    hasScreen: platform === 'darwin' || platform === 'win32' || Boolean(display || wayland),
  }
}

const OUR_FOLDER = 'cellucid-notebook'

function wholeNumber(option: string, text: string, highest: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (number >= 0 && number <= highest) return number
  throw new Error(`${option} takes a whole number up to ${highest}.`)
}
