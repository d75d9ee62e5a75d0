import { digest, sameDigest } from './digest.ts'
import { LIMITS } from './limits.ts'

/**
 * Secrets of a viewer that open one page each, and soon nothing: for links that stay where they are written, as in a
 * saved notebook. Kept as digests.
 */
export class OneTimeTokens {
  #entries: { digest: Buffer; endsAt: number }[] = []

  /** @param now milliseconds of the monotonic clock */
  add(token: string, now = performance.now()): void {
    const entry = { digest: digest(token), endsAt: now + LIMITS.oneTimeTokenMs }
    this.#entries = [...this.#entries, entry].slice(-LIMITS.oneTimeTokensPerViewer)
  }

  /** @returns whether the token was good; from now on it is not */
  take(token: string, now = performance.now()): boolean {
    const sum = digest(token)
    const found = this.#entries.find((entry) => sameDigest(entry.digest, sum))
    this.#entries = this.#entries.filter((entry) => entry !== found)
    return found !== undefined && now < found.endsAt
  }
}
