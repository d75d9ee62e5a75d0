import { delay } from '../../protocol/delay.ts'

/** Waits that grow with each failure, with full jitter, so that many pages do not come back in step. */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  #failures = 0
  constructor(firstMs = 500, maxMs = 30_000) {
    this.#firstMs = firstMs
    this.#maxMs = maxMs
  }

  /** It worked: the next wait is short again. */
  reset(): void {
    this.#failures = 0
  }

  /** Wait for the next try. Rejects with the signal's reason when it aborts. */
  wait(signal: AbortSignal): Promise<void> {
    const ceiling = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures++)
    return delay(Math.random() * ceiling, signal)
  }
}
