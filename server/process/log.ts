import { withoutSecrets } from '../../protocol/secrets.ts'
import { visible } from '../../protocol/visible-text.ts'
import { LIMITS } from './limits.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export type LogLine = { time: string; level: LogLevel; message: string; [detail: string]: unknown }

/** JSON lines, secrets removed, each at most LIMITS.logLineBytes; the last ones are kept for the report. */
export class Log {
  readonly #write: (line: string) => void
  readonly #lowest: number
  readonly #lines: LogLine[] = []

  /** @param write takes one line with its newline and does not block */
  constructor(write: (line: string) => void, lowest: LogLevel = 'info') {
    this.#write = write
    this.#lowest = LOG_LEVELS.indexOf(lowest)
  }

  /** Oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines
  }

  debug(message: string, details: object = {}): void {
    this.#add('debug', message, details)
  }

  info(message: string, details: object = {}): void {
    this.#add('info', message, details)
  }

  warn(message: string, details: object = {}): void {
    this.#add('warn', message, details)
  }

  error(message: string, details: object = {}): void {
    this.#add('error', message, details)
  }

  #add(level: LogLevel, message: string, details: object): void {
    if (LOG_LEVELS.indexOf(level) < this.#lowest) return
    const line = cleanLine({ time: new Date().toISOString(), level, message, ...details })
    this.#lines.push(line)
    if (this.#lines.length > LIMITS.logLines) this.#lines.shift()
    this.#write(`${JSON.stringify(line)}\n`)
  }
}

function cleanLine(line: LogLine): LogLine {
  const text = JSON.stringify(line, cleanValue)
  if (Buffer.byteLength(text) <= LIMITS.logLineBytes) {
    const parsed: LogLine = JSON.parse(text)
    return parsed
  }
  const { time, level, message } = line
  return { time, level, message: `${withoutSecrets(message).slice(0, LIMITS.logLineBytes / 4)}…`, cut: true }
}

const SECRET_NAMES: ReadonlySet<string> = new Set([
  'viewertoken',
  'pagekey',
  'x-cellucid-key',
  'authorization',
  'cookie',
])

function cleanValue(name: string, value: unknown): unknown {
  if (SECRET_NAMES.has(name.toLowerCase())) return '[removed]'
  if (typeof value === 'string') return visible(withoutSecrets(value))
  return value instanceof Error ? visible(withoutSecrets(errorText(value))) : value
}

/** Name, code, message and the next cause; stacks name places on the user's disk. */
function errorText(error: Error): string {
  const code = 'code' in error ? ` (${String(error.code)})` : ''
  const cause = error.cause instanceof Error ? `; because ${error.cause.name}: ${error.cause.message}` : ''
  return `${error.name}${code}: ${error.message}${cause}`
}
