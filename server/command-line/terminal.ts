import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { visible } from '../../protocol/visible-text.ts'

/** What is written where; the streams of the process, or a test's own. */
export type TerminalStreams = { output: Writable & { isTTY?: boolean }; errors: Writable & { isTTY?: boolean } }

/** How long a wait stays silent where it cannot be drawn over. */
const SILENT_WAIT_MS = 2_000
const REDRAW_MS = 250

/** Lines for a person: results on stdout, all else on stderr. Colours only where `NO_COLOR` and the terminal allow. */
export class Terminal {
  readonly #output: TerminalStreams['output']
  readonly #errors: TerminalStreams['errors']

  constructor({ output, errors }: TerminalStreams = { output: process.stdout, errors: process.stderr }) {
    this.#output = output
    this.#errors = errors
    // Whoever read it has gone, as `head` does: nothing is left to say to them.
    for (const stream of [output, errors]) stream.on('error', () => undefined)
  }

  /** Somebody looks at it. */
  get isWatched(): boolean {
    return this.#output.isTTY === true
  }

  say(line = ''): void {
    this.#output.write(`${line}\n`)
  }

  tell(line: string): void {
    this.#errors.write(`${line}\n`)
  }

  /** A sentence that begins with what it is. */
  complain(kind: 'error' | 'warning', sentence: string): void {
    const color = kind === 'error' ? 'red' : 'yellow'
    this.tell(`${this.#styled(this.#errors, color, `${kind}:`)} ${visible(sentence)}`)
  }

  strong(text: string): string {
    return this.#styled(this.#output, 'bold', text)
  }

  faint(text: string): string {
    return this.#styled(this.#output, 'dim', text)
  }

  /** Say that something takes its time, for as long as it does: in place, or where it cannot be drawn over, once. */
  async during<T>(text: () => string, work: Promise<T>): Promise<T> {
    const began = performance.now()
    const isDrawn = this.#errors.isTTY === true
    const line = () => `${text()} … ${Math.floor((performance.now() - began) / 1000)} s`
    const timer = isDrawn
      ? setInterval(() => this.#errors.write(`\r\x1b[K${line()}`), REDRAW_MS)
      : setTimeout(() => this.tell(`${text()} …`), SILENT_WAIT_MS)
    try {
      return await work
    } finally {
      clearInterval(timer)
      if (isDrawn) this.#errors.write('\r\x1b[K')
    }
  }

  #styled(stream: Writable, style: 'bold' | 'dim' | 'red' | 'yellow', text: string): string {
    return styleText(style, text, { stream, validateStream: true })
  }
}
