/** How long to wait before the next search, by how many pages were lost of late. */
const WAIT_MS = [0, 1_000, 2_000, 5_000]
const LONGEST_WAIT_MS = 15_000

/** Losses further apart than this have nothing to do with each other. */
const CALM_MS = 60_000

/** Pages that lost their server one after the other: a base that answers probes and carries nothing else. */
export class Losses {
  #times: number[] = []

  /** Count one more. @returns how long to wait, milliseconds */
  count(): number {
    const now = performance.now()
    this.#times = this.#times.filter((time) => now - time < CALM_MS)
    const wait = WAIT_MS[this.#times.length] ?? LONGEST_WAIT_MS
    this.#times.push(now)
    return wait
  }
}
