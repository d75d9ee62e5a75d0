import { pause } from '../pause.ts'

/** When what was not answered is sent again, milliseconds; a busy front end drops messages without a word. */
const AGAIN_AFTER_MS = [500, 1_000, 2_000, 5_000, 10_000]
const AGAIN_EVERY_MS = 30_000

/**
 * Send, and again until the signal ends it: the answer came, or there is nobody to send for any more.
 * @param send returns false when the comm is dead, which ends it too
 */
export async function sendAgain(send: () => boolean, answered: AbortSignal): Promise<void> {
  for (let count = 0; !answered.aborted && send(); count++) {
    await pause(AGAIN_AFTER_MS[count] ?? AGAIN_EVERY_MS, answered)
  }
}
