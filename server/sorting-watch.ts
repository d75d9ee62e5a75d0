import type { Sorting } from '../protocol/channel.ts'
import type { DataSource } from './sources/data-source.ts'

const LOOK_EVERY_MS = 500

/** Looks at a dataset while its genes are being sorted in the background, and tells of every change until that ends. */
export class SortingWatch {
  readonly #source: Promise<DataSource>
  readonly #tell: (sorting: Sorting) => void
  #now: Sorting = { done: null, note: null }
  #isLooking = false
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  /** @param tell hears of every whole percent */
  constructor(source: Promise<DataSource>, tell: (sorting: Sorting) => void) {
    this.#source = source
    this.#tell = tell
  }

  get now(): Sorting {
    return this.#now
  }

  /** A gene was read, which may have begun it. */
  look(): void {
    if (this.#isLooking || this.#isStopped) return
    this.#isLooking = true
    void this.#look().catch(() => this.stop()) // its source is closed, or cannot tell
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#isStopped = true
  }

  async #look(): Promise<void> {
    const { done, notes } = await (await this.#source).progress()
    const now = { done: done === null ? null : Math.floor(done * 100) / 100, note: notes[0] ?? null }
    const isNews = now.done !== this.#now.done || now.note !== this.#now.note
    this.#now = now
    if (isNews) this.#tell(now)
    if (this.#isStopped) return
    if (done === null) this.#isLooking = false
    else
      this.#timer = setTimeout(() => {
        this.#isLooking = false
        this.look()
      }, LOOK_EVERY_MS).unref()
  }
}
