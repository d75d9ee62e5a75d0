import type { ConsoleLine } from '../../protocol/events.ts'
import { withoutSecrets } from '../../protocol/secrets.ts'
import { LIMITS } from '../process/limits.ts'

/** The last warnings and errors of a viewer's pages and widgets, equal neighbours merged, secrets removed. */
export class ConsoleRing {
  #lines: ConsoleLine[] = []
  #dropped = 0
  #second = 0
  #linesThisSecond = 0

  /** Oldest first. */
  get lines(): readonly ConsoleLine[] {
    return this.#lines
  }

  /** How many were not kept because too many came at once. */
  get dropped(): number {
    return this.#dropped
  }

  add(lines: readonly ConsoleLine[]): void {
    for (const line of lines) this.#addLine(line)
  }

  /** A line of the server's own about these pages. */
  warn(message: string): void {
    this.add([{ level: 'warning', message, ts: Date.now(), count: 1, from: 'page' }])
  }

  #addLine(line: ConsoleLine): void {
    const message = withoutSecrets(line.message).slice(0, LIMITS.consoleLineBytes)
    const last = this.#lines.at(-1)
    if (last !== undefined && last.message === message && last.level === line.level && last.from === line.from) {
      last.count += line.count
      last.ts = line.ts
      return
    }
    if (!this.#hasRoom()) {
      this.#dropped += line.count
      return
    }
    const { filename, ...rest } = line
    const place = filename === undefined ? {} : { filename: withoutSecrets(filename).slice(0, LIMITS.consoleLineBytes) }
    this.#lines.push({ ...rest, ...place, message })
    if (this.#lines.length > LIMITS.consoleLines) this.#lines.shift()
  }

  #hasRoom(): boolean {
    const second = Math.floor(performance.now() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#linesThisSecond = 0
    }
    return ++this.#linesThisSecond <= LIMITS.consoleLinesPerSecond
  }
}
