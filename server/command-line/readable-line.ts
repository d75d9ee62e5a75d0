import { visible } from '../../protocol/visible-text.ts'

/** One line of the log, which is JSON, as a person reads it: `12:03:11 Answered method=GET …`. */
export function readableLine(line: string): string {
  // Written by our own Log just now.
  const { time, level, message, ...details } = JSON.parse(line) as Record<string, unknown>
  const words = Object.entries(details).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const kind = level === 'error' || level === 'warn' ? [`${String(level)}:`] : []
  return visible([String(time).slice(11, 19), ...kind, message, ...words].join(' '))
}
