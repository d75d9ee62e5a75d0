import type { KernelStatus, ServerMessage } from '../../protocol/channel.ts'
import type { KernelRead } from '../sources/open-source.ts'

/** A read that has waited so long waits for something: the kernel holds its interpreter. */
const BUSY_AFTER_MS = 1_000

/**
 * Whether the kernel answers the reads of one viewer's dataset, and how far a long one is, for the sentences that its
 * pages show meanwhile.
 */
export class KernelPulse {
  #status: KernelStatus = 'idle'
  #waiting = 0
  #reading: number | null = null
  readonly #tell: (message: Extract<ServerMessage, { kind: 'kernel' | 'reading' }>) => void

  /** @param tell hears of every change */
  constructor(tell: (message: Extract<ServerMessage, { kind: 'kernel' | 'reading' }>) => void) {
    this.#tell = tell
  }

  get status(): KernelStatus {
    return this.#status
  }

  /** The same reads, watched. */
  watch(read: KernelRead): KernelRead {
    return async (asked, signal) => {
      const timer = setTimeout(() => this.#set('busy'), BUSY_AFTER_MS)
      const progress = (done: number) => {
        timer.refresh() // it works, and says so
        this.#set('idle')
        this.#tellReading(done)
      }
      this.#waiting++
      try {
        return await read(asked, signal, progress)
      } finally {
        clearTimeout(timer)
        this.#waiting--
        if (this.#waiting === 0) {
          this.#set('idle')
          this.#tellReading(null)
        }
      }
    }
  }

  #set(status: KernelStatus): void {
    if (this.#status === status) return
    this.#status = status
    this.#tell({ kind: 'kernel', status })
  }

  #tellReading(done: number | null): void {
    if (this.#reading === done) return
    this.#reading = done
    this.#tell({ kind: 'reading', done })
  }
}
