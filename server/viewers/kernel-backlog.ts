import { LIMITS } from '../process/limits.ts'

/** What one viewer has on its way to the kernel. Past the limit its pages are not read from, so nothing is dropped. */
export class Backlog {
  #messages = 0
  #bytes = 0
  #drained = Promise.withResolvers<void>()

  get isFull(): boolean {
    return this.#messages >= LIMITS.eventsToKernel || this.#bytes >= LIMITS.eventBytesToKernel
  }

  /** Counts a message until `sent` settles. */
  async track(bytes: number, sent: Promise<void>): Promise<void> {
    this.#messages++
    this.#bytes += bytes
    try {
      await sent
    } finally {
      this.#messages--
      this.#bytes -= bytes
      if (!this.isFull) {
        this.#drained.resolve()
        this.#drained = Promise.withResolvers()
      }
    }
  }

  /** Resolves when the backlog is no longer full. */
  async untilRoom(): Promise<void> {
    while (this.isFull) await this.#drained.promise
  }
}
