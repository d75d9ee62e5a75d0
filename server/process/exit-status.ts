import { Log } from './log.ts'
import { writeLastLine } from './stdio.ts'

/** As in sysexits(3). */
export const EXIT_USAGE = 64
export const EXIT_DATA = 65
export const EXIT_NO_INPUT = 66
export const EXIT_UNAVAILABLE = 69
export const EXIT_SOFTWARE = 70
/** 128 and the number of SIGINT, as shells say it. */
export const EXIT_INTERRUPTED = 130

/** One line, and out: a process in an unknown state serves nobody. */
export function dieOfTheUnexpected(): void {
  const last = new Log(writeLastLine)
  process.on('uncaughtException', (error) => {
    last.error('Unexpected', { error })
    process.exit(EXIT_SOFTWARE)
  })
}
