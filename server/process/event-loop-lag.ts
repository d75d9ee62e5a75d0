import { LIMITS } from './limits.ts'

const TICK_MS = 250
/** One late tick is a stall that is over, as at the start; so many in a row say that the process does not keep up. */
const LATE_TICKS = 2

/** Whether the process keeps up with what it is asked. */
export class EventLoopWatch {
  /** How late the last ticks came, oldest first. */
  #late: number[] = []
  #lastTick = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.tick(performance.now()), TICK_MS)
    this.#timer.unref()
  }

  /** @param now milliseconds of the monotonic clock; called by the watch's own timer */
  tick(now: number): void {
    this.#late = [...this.#late, Math.max(0, now - this.#lastTick - TICK_MS)].slice(-LATE_TICKS)
    this.#lastTick = now
  }

  /** Of the last tick. */
  get lateMs(): number {
    return this.#late.at(-1) ?? 0
  }

  get isOverloaded(): boolean {
    return this.#late.length === LATE_TICKS && this.#late.every((late) => late > LIMITS.eventLoopLateMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
