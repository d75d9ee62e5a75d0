import { nameOf } from '../../protocol/handshake.ts'
import { LIMITS } from '../process/limits.ts'
import { digest, sameDigest } from './secret-digest.ts'

/**
 * Secrets of a viewer that open one page each, and soon nothing: for links that stay where they are written, as in a
 * saved notebook. Kept as digests.
 */
export class OneTimeTokens {
  #entries: { digest: Buffer; name: string; endsAt: number }[] = []

  /** @param now milliseconds of the monotonic clock */
  add(token: string, now = performance.now()): void {
    const sum = digest(token)
    const entry = { digest: sum, name: nameOf(sum), endsAt: now + LIMITS.oneTimeTokenMs }
    this.#entries = [...this.#entries, entry].slice(-LIMITS.oneTimeTokensPerViewer)
  }

  /** @returns whether the token was good; from now on it is not */
  take(token: string, now = performance.now()): boolean {
    return this.takeDigest(digest(token), now)
  }

  /** The digest of the token that is called so in the open, if it is still good; it stays so. */
  named(name: string, now = performance.now()): Buffer | null {
    return this.#entries.find((entry) => entry.name === name && now < entry.endsAt)?.digest ?? null
  }

  takeDigest(sum: Buffer, now = performance.now()): boolean {
    const found = this.#entries.find((entry) => sameDigest(entry.digest, sum))
    this.#entries = this.#entries.filter((entry) => entry !== found)
    return found !== undefined && now < found.endsAt
  }
}
