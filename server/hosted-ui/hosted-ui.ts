import { codeOf, messageOf } from '../../protocol/errors.ts'
import type { HostedState } from '../../protocol/hosted.ts'
import { HOSTED_CACHE_VARIABLE } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { HostedCache } from './cache/hosted-cache.ts'
import type { Generation } from './cache/stored-build.ts'
import { type FetchProgress, fetchBuild, isNewer } from './fetch-build.ts'
import { HOSTED_LIMITS } from './limits.ts'
import type { Site } from './site/site.ts'
import type { Source } from './site/site-address.ts'
import { INDEX } from './site/site-paths.ts'

type Flight = { done: Promise<Generation>; stop: AbortController; progress: FetchProgress }

export type HostedUiParts = { site: Site; cache: HostedCache; isOffline: boolean; log: Log }

/** The hosted viewer of one site: the build that is served, and its fetching. One for all viewers that show it. */
export class HostedUi {
  readonly source: Source
  readonly #parts: HostedUiParts
  #generation: Generation | null = null
  /** Pages that were loaded from the one before still ask for its files. */
  #former: Generation | null = null
  #flight: Flight | null = null
  #lastError: { text: string; at: number } | null = null
  #checkedAt: number | null = null

  constructor(parts: HostedUiParts) {
    this.source = parts.site.source
    this.#parts = parts
  }

  get state(): HostedState {
    const generation = this.#generation
    const status = generation !== null ? 'ready' : this.#flight !== null ? 'fetching' : 'unavailable'
    return {
      source: this.source,
      status,
      place: this.#parts.cache.place,
      isOffline: this.#parts.isOffline,
      build: generation?.manifest.build ?? null,
      generation: generation?.name ?? null,
      files: generation?.manifest.files.length ?? 0,
      bytes: generation?.bytes ?? 0,
      storedAt: generation?.storedAt ?? null,
      checkedAt: this.#checkedAt,
      progress: this.#flight?.progress ?? null,
      lastError: this.#lastError?.text ?? null,
    }
  }

  /**
   * Look at the disk; where there is no whole build, begin to fetch one, unless that failed just now.
   * @param isWanted the user asks for it, also soon after a failure
   */
  async look(isWanted = false): Promise<HostedState> {
    try {
      await this.#findBuild()
      if (this.#generation !== null) void this.#checkSoon()
      else if (isWanted || !this.#failedLately) this.#start()
    } catch (error) {
      this.#fail(error)
    }
    return this.state
  }

  /**
   * Have a whole build on disk. @param isForced also where there is one: fetch the site's present one
   * @throws Error with a sentence when there is none and none can be had
   */
  async ensure(isForced: boolean): Promise<HostedState> {
    try {
      await this.#findBuild()
      if (this.#generation === null || isForced) await this.#start().done
    } catch (error) {
      throw new Error(sentenceOf(error, this.#parts.cache.place), { cause: error })
    }
    return this.state
  }

  /** Stop fetching; what came is kept for the next time. */
  cancel(): void {
    this.#flight?.stop.abort(new DOMException('It was stopped.', 'AbortError'))
  }

  /** What was on disk may be gone: the next look finds out. */
  forget(): void {
    this.#generation = null
    this.#former = null
  }

  /** One file of the build that is served; `null` where it has none. A damaged one is never given out. */
  async file(path: string, signal: AbortSignal): Promise<{ bytes: Buffer; type: string } | null> {
    const generation = this.#generation
    if (generation === null) return null
    const holder = [generation, this.#former].find((each) => each?.file(path) != null) ?? null
    const found = holder === null ? null : await holder.read(path)
    if (found !== null) return { bytes: found.bytes, type: found.file.type }
    if (holder !== null) {
      // The whole build is looked at again when the page is loaded next.
      this.forget()
      this.#parts.log.warn('A stored file of the hosted viewer is damaged', { path })
      return null
    }
    if (this.#parts.isOffline || path === INDEX) return null
    // A file that no other file names: the site may have it.
    return this.#parts.site.fetch(path, signal)
  }

  async close(): Promise<void> {
    this.cancel()
    await this.#flight?.done.catch(() => null)
    await this.#parts.site.close()
  }

  get #failedLately(): boolean {
    const failure = this.#lastError
    return failure !== null && performance.now() - failure.at < HOSTED_LIMITS.failureRememberedMs
  }

  /** Every byte of it is looked at when a page is loaded, once for each state of a file. */
  async #findBuild(): Promise<void> {
    const { cache } = this.#parts
    const { generation, damage } = await cache.newest(this.source)
    this.#checkedAt = await cache.checkedAt(this.source)
    if (damage !== null) {
      this.#parts.log.warn('The cache of the hosted viewer was damaged', { damage })
      this.#lastError = { text: damage, at: Number.NEGATIVE_INFINITY }
    }
    if (generation !== null && generation.name === this.#generation?.name && damage === null) return
    await this.#serve(generation)
  }

  async #serve(generation: Generation | null): Promise<void> {
    if (generation?.name !== this.#generation?.name) this.#former = this.#generation
    this.#generation = generation
    if (generation !== null) await this.#parts.cache.use(generation)
  }

  #start(): Flight {
    if (this.#flight !== null) return this.#flight
    const stop = new AbortController()
    const flight: Flight = { stop, progress: { done: 0, total: 0, bytes: 0 }, done: this.#fetch(stop.signal) }
    this.#flight = flight
    flight.done.then(
      () => {
        this.#flight = null
      },
      (error: unknown) => {
        this.#flight = null
        this.#fail(error)
      },
    )
    return flight
  }

  async #fetch(signal: AbortSignal): Promise<Generation> {
    const { cache, site, isOffline } = this.#parts
    if (isOffline) throw new Error('CELLUCID_OFFLINE forbids the network.')
    const tell = (progress: FetchProgress) => {
      if (this.#flight !== null) this.#flight.progress = progress
    }
    const generation = await fetchBuild({ site, cache, signal, tell })
    await cache.noteChecked(this.source)
    await this.#serve(generation)
    this.#checkedAt = Date.now()
    this.#lastError = null
    return generation
  }

  /** Once a day the site is asked behind the back of the page, which loads what is there. */
  async #checkSoon(): Promise<void> {
    const { cache, site, isOffline } = this.#parts
    const generation = this.#generation
    if (isOffline || this.#flight !== null || generation === null || this.#failedLately) return
    if (Date.now() - (this.#checkedAt ?? 0) < HOSTED_LIMITS.checkEveryMs) return
    this.#checkedAt = Date.now()
    try {
      await cache.noteChecked(this.source)
      if (await isNewer(generation, site, AbortSignal.timeout(HOSTED_LIMITS.totalTimeoutMs))) this.#start()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#lastError = { text: sentenceOf(error, this.#parts.cache.place), at: performance.now() }
    this.#parts.log.warn('The hosted viewer was not fetched', { error })
  }
}

/** Errors of the disk say which call failed; the user wants to know what to do. */
function sentenceOf(error: unknown, place: string): string {
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return `The disk of the cache folder ${place} is full. Make room on it.`
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return `The cache folder ${place} cannot be written to. Let ${HOSTED_CACHE_VARIABLE} name another one.`
  }
  return messageOf(error)
}
