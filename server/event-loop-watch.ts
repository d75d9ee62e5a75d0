import { LIMITS } from './limits.ts'

const TICK_MS = 250

/** Whether the process keeps up: one tick that comes much too late says that it does not. */
export class EventLoopWatch {
  #lateMs = 0
  #lastTick = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#lateMs = Math.max(0, now - this.#lastTick - TICK_MS)
      this.#lastTick = now
    }, TICK_MS)
    this.#timer.unref()
  }

  /** Of the last tick, or of the one that is due. */
  get lateMs(): number {
    return Math.max(this.#lateMs, performance.now() - this.#lastTick - TICK_MS)
  }

  get isOverloaded(): boolean {
    return this.lateMs > LIMITS.eventLoopLateMs
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
