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
  logLevel: LogLevel
}

const DEFAULT_PORT = 8_765

/** Read the command line. Nothing is read from the environment. @throws Error that says which option is wrong */
export function parseConfig(argv: readonly string[]): Config {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string' },
      fixed: { type: 'boolean', default: false },
      parent: { type: 'string' },
      page: { type: 'string' },
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
    logLevel,
  }
}

function wholeNumber(option: string, text: string, highest: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (number >= 0 && number <= highest) return number
  throw new Error(`${option} takes a whole number up to ${highest}.`)
}
