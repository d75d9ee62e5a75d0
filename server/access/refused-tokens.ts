import { LIMITS } from '../process/limits.ts'

/** How often each was refused of late. Slows guesses down and locks nobody out: a right token never waits. */
export class RefusedTokens {
  /** Milliseconds of the monotonic clock, oldest first; who was refused last stands last. */
  readonly #times = new Map<string, number[]>()

  /**
   * Count a refusal.
   * @param who was asked for, or from where
   * @returns how long its answer should wait: longer the more of them there were
   */
  delayFor(...who: readonly string[]): number {
    return Math.max(...who.map((each) => this.#delayOf(each)))
  }

  forget(who: string): void {
    this.#times.delete(who)
  }

  #delayOf(who: string): number {
    const now = performance.now()
    const recent = [...(this.#times.get(who) ?? []).filter((time) => time > now - 60_000), now]
    this.#times.delete(who)
    this.#times.set(who, recent.slice(-LIMITS.refusedTokensPerMinute * DOUBLINGS))
    const [oldest] = this.#times.keys()
    if (oldest !== undefined && this.#times.size > LIMITS.refusedPeers) this.#times.delete(oldest)
    const tens = Math.floor((recent.length - 1) / LIMITS.refusedTokensPerMinute)
    return tens === 0 ? 0 : LIMITS.refusedTokenDelayMs * 2 ** Math.min(tens - 1, DOUBLINGS - 1)
  }
}

/** One second after ten in a minute, two after twenty, four at most. */
const DOUBLINGS = 3
