import type { DataSource } from '../../data/data-source.ts'
import { ProtocolError } from '../../protocol/errors.ts'

/** What a page compares with what it knows. `isAnew`: it is to read everything again, whatever it knows. */
export type DataNews = { version: string; isAnew: boolean }

/** A file that was written while it is shown is noticed within this time. */
const LOOK_EVERY_MS = 2_000

/**
 * Tells the pages when the dataset may be another than they read: when the kernel says so, and of a file when it was
 * written.
 */
export class DataWatch {
  readonly #source: Promise<DataSource>
  readonly #tell: (news: DataNews) => void
  readonly #everyMs: number
  readonly #stop = new AbortController()
  #told: string | null = null
  /** As it was found by looking. */
  #seen: string | null = null
  #isComparing = false
  #isWatched = false
  /** Something was said while nobody watched, or a page was about to. */
  #hasMissed = false
  #timer: NodeJS.Timeout | undefined

  constructor(source: Promise<DataSource>, tell: (news: DataNews) => void, everyMs = LOOK_EVERY_MS) {
    this.#source = source
    this.#tell = tell
    this.#everyMs = everyMs
  }

  /** As pages were told last, `null` before they were. */
  get version(): string | null {
    return this.#told
  }

  /** Look now and then as long as somebody watches. */
  watch(isWatched: boolean): void {
    clearInterval(this.#timer)
    this.#isWatched = isWatched
    if (!isWatched || this.#stop.signal.aborted) return
    if (this.#hasMissed) void this.changed(false)
    else void this.#compare()
    this.#timer = setInterval(() => void this.#compare(), this.#everyMs).unref()
  }

  /** Whoever holds the data says that it changed. Where nobody looks nothing is read: the next page that comes will. */
  async changed(isAnew: boolean): Promise<void> {
    this.#hasMissed = !this.#isWatched
    if (this.#hasMissed) return
    const version = await this.#versionOf((source) => source.refresh(this.#stop.signal))
    if (version === null || (version === this.#told && !isAnew)) return
    this.#told = this.#seen = version
    this.#tell({ version, isAnew })
  }

  stop(): void {
    this.#stop.abort(new DOMException('The viewer ended.', 'AbortError'))
    clearInterval(this.#timer)
  }

  async #compare(): Promise<void> {
    if (this.#isComparing) return
    this.#isComparing = true
    const version = await this.#versionOf(async () => undefined)
    this.#isComparing = false
    const before = this.#seen
    if (version === null || version === before) return
    this.#seen = version
    if (before === null) return
    this.#told = version
    this.#tell({ version, isAnew: false })
  }

  /** `null`: nobody can tell now. What cannot be read any more has a version like no other: pages ask, and hear why. */
  async #versionOf(prepare: (source: DataSource) => Promise<void>): Promise<string | null> {
    try {
      const source = await this.#source
      await prepare(source)
      return await source.version(this.#stop.signal)
    } catch (error) {
      return error instanceof ProtocolError && error.code === 'changed' ? `changed: ${error.message}` : null
    }
  }
}
