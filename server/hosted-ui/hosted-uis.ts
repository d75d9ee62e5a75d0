import type { Log } from '../process/log.ts'
import { HostedCache } from './cache/hosted-cache.ts'
import { HostedUi } from './hosted-ui.ts'
import { parseSource } from './site/site-address.ts'

/** Viewers of one server may show the builds of a few sites. */
const MAX_SOURCES = 8

/** The hosted viewers that this server knows, by their sites. */
export class HostedUis {
  readonly #cache: HostedCache
  readonly #isOffline: boolean
  readonly #log: Log
  readonly #bySource = new Map<string, HostedUi>()

  constructor({ place, isOffline, log }: { place: string; isOffline: boolean; log: Log }) {
    this.#cache = new HostedCache(place)
    this.#isOffline = isOffline
    this.#log = log
  }

  /** @throws Error with a sentence when the address cannot be used */
  async of(text: string): Promise<HostedUi> {
    const source = parseSource(text)
    // Its client is large, and most servers never need it.
    const { Site } = await import('./site/site.ts')
    const known = this.#bySource.get(source)
    if (known !== undefined) return known
    if (this.#bySource.size >= MAX_SOURCES) throw new Error(`More than ${MAX_SOURCES} sites: restart the kernel.`)
    const parts = { site: new Site(source), cache: this.#cache, isOffline: this.#isOffline, log: this.#log }
    const ui = new HostedUi(parts)
    this.#bySource.set(source, ui)
    return ui
  }

  forget(): void {
    for (const ui of this.#bySource.values()) ui.forget()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#bySource.values()].map((ui) => ui.close()))
  }
}
