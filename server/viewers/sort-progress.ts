import type { DataSource } from '../../data/data-source.ts'
import type { Sorting } from '../../protocol/channel.ts'

const LOOK_EVERY_MS = 500
const NOTHING_SORTED: Sorting = { done: null, note: null }

/** Looks at a dataset while its genes are being sorted in the background, and tells of every change until that ends. */
export class SortingWatch {
  readonly #source: Promise<DataSource>
  readonly #tell: (sorting: Sorting) => void
  #now: Sorting = NOTHING_SORTED
  #isLooking = false
  /** Something happened while it looked. */
  #isAskedAgain = false
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

  /** A gene was read, which may have begun it, or whoever sorts says that something is new. */
  look(): void {
    this.#isAskedAgain = this.#isLooking
    if (this.#isLooking || this.#isStopped) return
    this.#isLooking = true
    void this.#look().catch(() => this.stop()) // its source is closed, or cannot tell
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#isStopped = true
  }

  async #look(): Promise<void> {
    const { done, notes, bytes } = await (await this.#source).progress()
    const percent = done === null ? null : Math.floor(done * 100) / 100
    const now: Sorting = { done: percent, note: notes[0] ?? null, ...(bytes === undefined ? {} : { bytes }) }
    const isNews = now.done !== this.#now.done || now.note !== this.#now.note || now.bytes !== this.#now.bytes
    this.#now = now
    if (isNews) this.#tell(now)
    if (this.#isStopped) return
    const isAskedAgain = this.#isAskedAgain
    const again = () => {
      this.#isLooking = false
      this.look()
    }
    if (done !== null) this.#timer = setTimeout(again, LOOK_EVERY_MS).unref()
    else if (isAskedAgain) again()
    else this.#isLooking = false
  }
}
