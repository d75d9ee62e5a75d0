import { readFileSync } from 'node:fs'
import { isAlive } from './process-alive.ts'

/** With the time that pages get to say goodbye, the server is gone within three seconds of its kernel. */
const POLL_MS = 1_000

/**
 * Watch the process that started this one. The end of stdin says the same, unless a forked child of it holds the pipe.
 * @param onEnd runs once, when the process is gone, a zombie, or another one has its number
 */
export function watchParent(pid: number, onEnd: () => void): NodeJS.Timeout {
  const first = identityOf(pid)
  const timer = setInterval(() => {
    if (first !== null && identityOf(pid) === first) return
    clearInterval(timer)
    onEnd()
  }, POLL_MS)
  return timer.unref()
}

/** What tells a process from a later one of the same number; `null` when there is none. */
function identityOf(pid: number): string | null {
  return process.platform === 'linux' ? startTimeOf(pid) : isAlive(pid) ? 'alive' : null
}

/** Fields of /proc/PID/stat behind the name, which may itself hold blanks and brackets. See proc(5). */
const STATE_FIELD = 0
const START_TIME_FIELD = 19

function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[STATE_FIELD] === 'Z' ? null : (fields[START_TIME_FIELD] ?? null)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}
