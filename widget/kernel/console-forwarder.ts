import type { ConsoleLine } from '../../protocol/events.ts'
import { withoutSecrets } from '../../protocol/secrets.ts'
import type { KernelLink } from './kernel-link.ts'

/** Lines are gathered for this long, so that equal ones merge and a flood costs one message. */
const GATHER_MS = 500

/** Distinct lines of one message; a flood beyond that is counted in a last line. */
const MAX_LINES = 20

const MAX_MESSAGE_CHARACTERS = 2_000

/**
 * Warnings and errors on their way to the kernel's report: the widget's own, the browser's policy violations about our
 * bases, and the page's. The notebook page's console belongs to others and is not touched.
 */
export class ConsoleForwarder {
  readonly #link: KernelLink
  readonly #view: string
  readonly #signal: AbortSignal
  readonly #lines = new Map<string, ConsoleLine>()
  readonly #bases = new Set<string>()
  #overflow = 0
  #timer: number | null = null

  constructor(link: KernelLink, { view, signal }: { view: string; signal: AbortSignal }) {
    this.#link = link
    this.#view = view
    this.#signal = signal
    document.addEventListener('securitypolicyviolation', (event) => this.#hearViolation(event), { signal })
    signal.addEventListener('abort', () => clearTimeout(this.#timer ?? undefined))
  }

  /** From here on a violation about this base is ours to tell. */
  watch(base: string): void {
    this.#bases.add(base)
  }

  /** One line of the widget itself. */
  log(level: ConsoleLine['level'], message: string): void {
    this.add([{ level, message, ts: Date.now(), count: 1, from: 'widget' }])
  }

  add(lines: readonly ConsoleLine[]): void {
    for (const line of lines) this.#gather({ ...line, message: shownText(line.message) })
    if (this.#timer === null && !this.#signal.aborted) this.#timer = window.setTimeout(() => this.#flush(), GATHER_MS)
  }

  #gather(line: ConsoleLine): void {
    const key = `${line.from} ${line.level} ${line.message} ${line.filename}:${line.lineno}`
    const same = this.#lines.get(key)
    if (same !== undefined) same.count += line.count
    else if (this.#lines.size < MAX_LINES) this.#lines.set(key, { ...line, filename: shownText(line.filename ?? '') })
    else this.#overflow += line.count
  }

  #flush(): void {
    this.#timer = null
    const lines = [...this.#lines.values()]
    if (this.#overflow > 0) {
      const message = `${this.#overflow} more lines were not forwarded`
      lines.push({ level: 'warning', message, ts: Date.now(), count: 1, from: 'widget' })
    }
    this.#lines.clear()
    this.#overflow = 0
    if (this.#link.isLive) this.#link.send({ kind: 'console', view: this.#view, lines })
  }

  #hearViolation({ blockedURI, effectiveDirective }: SecurityPolicyViolationEvent): void {
    // The browser may cut the address down to its origin.
    const isOurs = [...this.#bases].some((base) => blockedURI.startsWith(base) || base.startsWith(`${blockedURI}/`))
    if (!isOurs) return
    this.log('error', `The notebook's content policy (${effectiveDirective}) blocks ${blockedURI}`)
  }
}

/** Tokens, keys and login parameters never leave in a message, whoever wrote them there. */
function shownText(text: string): string {
  return withoutSecrets(text).slice(0, MAX_MESSAGE_CHARACTERS)
}
