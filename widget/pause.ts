import { delay } from '../protocol/delay.ts'

/** @returns true when the signal ended the wait */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, signal).then(
    () => false,
    () => true,
  )
}
