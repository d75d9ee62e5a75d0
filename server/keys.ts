import { randomBytes } from 'node:crypto'
import type { PageKey, ViewerId } from '../protocol/probe.ts'
import { digestName } from './digest.ts'
import { LIMITS } from './limits.ts'

/** A page, as its key names it. Its `id` is the key's digest in hex: no secret, unique while the server lives. */
export type KeyHolder = { id: string; viewerId: ViewerId }

/** The live page keys, kept as digests, in order of use. */
export class PageKeys {
  readonly #entries = new Map<string, KeyHolder>()
  /** The last in that order: a page that asks again and again moves nothing. */
  #lastUsed = ''

  /**
   * Make a key for one page of `viewerId`.
   * @returns the key, and the page that lost its own because the viewer has too many: the longest unused one
   */
  make(viewerId: ViewerId): { key: PageKey; holder: KeyHolder; evicted: KeyHolder | null } {
    const key = randomBytes(32).toString('base64url') as PageKey // 32 bytes are 43 base64url characters
    const entry: KeyHolder = { id: digestName(key), viewerId }
    const own = [...this.#entries.values()].filter((other) => other.viewerId === viewerId)
    const oldest = own.length >= LIMITS.pageKeysPerViewer ? (own[0] ?? null) : null
    if (oldest !== null) this.#entries.delete(oldest.id)
    this.#entries.set(entry.id, entry)
    this.#lastUsed = entry.id
    return { key, holder: entry, evicted: oldest }
  }

  /** Who holds this key, without counting as a use; `null` when nobody does. */
  find(key: PageKey): KeyHolder | null {
    return this.#entries.get(digestName(key)) ?? null
  }

  /** The page was heard of: it is the last to lose its key. */
  touch(id: string): void {
    const entry = id === this.#lastUsed ? undefined : this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    this.#lastUsed = id
  }

  /** End one key. */
  remove(id: string): void {
    this.#entries.delete(id)
  }

  /** End all keys of a viewer. */
  revoke(viewerId: ViewerId): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.viewerId === viewerId) this.#entries.delete(entry.id)
    }
  }

  count(viewerId: ViewerId): number {
    return [...this.#entries.values()].filter((entry) => entry.viewerId === viewerId).length
  }
}
