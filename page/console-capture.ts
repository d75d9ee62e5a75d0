import type { ConsoleLine } from '../protocol/events.ts'
import { withoutSecrets } from '../protocol/secrets.ts'

const MAX_LINE_CHARACTERS = 2_048
/** Lines that come together are told together, equal ones as one with a count, and of a storm only so many. */
const GATHER_MS = 1_000
const MAX_LINES = 20

type Send = (lines: ConsoleLine[]) => void
/** Names who is told. */
export type ConsoleCapture = { tell(send: Send): void }

/**
 * Passes this page's warnings, errors and policy violations on, beside showing them in the console as always: merged,
 * limited, and without secrets. Lines that come before there is anyone to tell wait.
 */
export function captureConsole(page: Window & typeof globalThis, signal: AbortSignal): ConsoleCapture {
  const lines = new Map<string, ConsoleLine>()
  let missed = 0
  let send: Send | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  function take(line: Omit<ConsoleLine, 'ts' | 'count' | 'from'>): void {
    // In this order: half a secret at the cut would not look like one.
    const message = withoutSecrets(line.message).slice(0, MAX_LINE_CHARACTERS)
    const known = lines.get(`${line.level} ${message}`)
    if (known !== undefined) known.count++
    else if (lines.size >= MAX_LINES) missed++
    else {
      lines.set(`${line.level} ${message}`, { ...line, message, ts: Date.now(), count: 1, from: 'page' })
    }
    timer ??= setTimeout(pass, GATHER_MS)
  }

  function pass(): void {
    timer = undefined
    if (send === null || lines.size === 0) return
    const batch = [...lines.values()]
    lines.clear()
    if (missed > 0) {
      const message = `${missed} more lines were left out.`
      batch.push({ level: 'warning', message, ts: Date.now(), count: 1, from: 'page' })
    }
    missed = 0
    send(batch)
  }

  const { console } = page
  for (const [method, level] of [
    ['warn', 'warning'],
    ['error', 'error'],
  ] as const) {
    const original = console[method]
    console[method] = (...values: unknown[]) => {
      original.apply(console, values)
      take({ level, message: values.map(textOf).join(' ') })
    }
    signal.addEventListener('abort', () => {
      console[method] = original
    })
  }
  listen(page, take, signal)
  signal.addEventListener('abort', () => clearTimeout(timer))
  return {
    tell(receiver) {
      send = receiver
      pass()
    },
  }
}

function listen(
  page: Window,
  take: (line: Omit<ConsoleLine, 'ts' | 'count' | 'from'>) => void,
  signal: AbortSignal,
): void {
  page.addEventListener(
    'error',
    ({ message, filename, lineno, colno }) => {
      take({ level: 'error', message, filename: withoutQuery(filename), lineno, colno })
    },
    { signal },
  )
  page.addEventListener(
    'unhandledrejection',
    ({ reason }) => take({ level: 'error', message: `Unhandled: ${textOf(reason)}` }),
    { signal },
  )
  page.document.addEventListener(
    'securitypolicyviolation',
    ({ effectiveDirective, blockedURI }) => {
      take({ level: 'warning', message: `Blocked by policy: ${effectiveDirective} ${withoutQuery(blockedURI)}` })
    },
    { signal },
  )
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return `[${typeof value}]` // Without a prototype, or with a `toString` that throws.
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '')
}
