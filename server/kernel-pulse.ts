import type { KernelRead } from './sources/open-source.ts'

export type KernelStatus = 'idle' | 'busy'

/** A read that has waited so long waits for something: the kernel holds its interpreter. */
const BUSY_AFTER_MS = 1_000

/** Whether the kernel answers the reads of one viewer's dataset, for the sentence that its pages show meanwhile. */
export class KernelPulse {
  #status: KernelStatus = 'idle'
  #waiting = 0
  readonly #tell: (status: KernelStatus) => void

  /** @param tell hears of every change */
  constructor(tell: (status: KernelStatus) => void) {
    this.#tell = tell
  }

  get status(): KernelStatus {
    return this.#status
  }

  /** The same reads, watched. */
  watch(read: KernelRead): KernelRead {
    return async (asked, signal) => {
      const timer = setTimeout(() => this.#set('busy'), BUSY_AFTER_MS)
      this.#waiting++
      try {
        return await read(asked, signal)
      } finally {
        clearTimeout(timer)
        this.#waiting--
        if (this.#waiting === 0) this.#set('idle')
      }
    }
  }

  #set(status: KernelStatus): void {
    if (this.#status === status) return
    this.#status = status
    this.#tell(status)
  }
}
