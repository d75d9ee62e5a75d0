import { randomBytes } from 'node:crypto'
import { handshakeKey, nameOf } from '../../protocol/handshake.ts'
import type { PageKey, ViewerId } from '../../protocol/probe.ts'
import { LIMITS } from '../process/limits.ts'
import { digestName } from './secret-digest.ts'

/**
 * A page, as its key names it. Its `id` is random, no secret, unique while the server lives; `key` is the digest of its
 * key, with which both ends make their macs, and `name` what the page calls it by in the open.
 */
export type KeyHolder = { id: string; viewerId: ViewerId; key: Uint8Array; name: string }

/** The live page keys, kept as digests, in order of use. */
export class PageKeys {
  readonly #entries = new Map<string, KeyHolder>()
  readonly #byKey = new Map<string, KeyHolder>()
  /** The last in that order: a page that asks again and again moves nothing. */
  #lastUsed = ''

  /**
   * Make a key for one page of `viewerId`.
   * @param pageKey where both ends have agreed on one
   * @returns the key, and the page that lost its own because the viewer has too many: the longest unused one
   */
  make(viewerId: ViewerId, pageKey?: PageKey): { key: PageKey; holder: KeyHolder; evicted: KeyHolder | null } {
    const made = pageKey ?? (randomBytes(32).toString('base64url') as PageKey) // 32 bytes are 43 base64url characters
    const key = handshakeKey(made)
    const entry: KeyHolder = { id: randomBytes(8).toString('hex'), viewerId, key, name: nameOf(key) }
    const own = [...this.#entries.values()].filter((other) => other.viewerId === viewerId)
    const oldest = own.length >= LIMITS.pageKeysPerViewer ? (own[0] ?? null) : null
    if (oldest !== null) this.remove(oldest.id)
    this.#entries.set(entry.id, entry)
    this.#byKey.set(hexOf(key), entry)
    this.#lastUsed = entry.id
    return { key: made, holder: entry, evicted: oldest }
  }

  /** Who holds this key, without counting as a use; `null` when nobody does. */
  find(pageKey: PageKey): KeyHolder | null {
    return this.#byKey.get(digestName(pageKey)) ?? null
  }

  /** Who calls its key by this name. */
  named(viewerId: ViewerId, name: string): KeyHolder | null {
    return [...this.#entries.values()].find((entry) => entry.viewerId === viewerId && entry.name === name) ?? null
  }

  has(id: string): boolean {
    return this.#entries.has(id)
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
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#byKey.delete(hexOf(entry.key))
    this.#entries.delete(id)
  }

  /** End all keys of a viewer. */
  revoke(viewerId: ViewerId): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.viewerId === viewerId) this.remove(entry.id)
    }
  }

  count(viewerId: ViewerId): number {
    return [...this.#entries.values()].filter((entry) => entry.viewerId === viewerId).length
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
