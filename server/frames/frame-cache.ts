import { ByteLru } from '../../data/byte-lru.ts'
import { SharedReads } from '../../data/shared-reads.ts'

/**
 * Encoded column and embedding frames, the least recently used leaving first, bounded in bytes. One read per key at a
 * time, shared by several readers; it ends when its last reader leaves. Keys name source, version and column.
 */
export class ColumnCache<Frame extends { readonly byteLength: number }> {
  readonly #maxBytes: number
  readonly #frames: ByteLru<Frame>
  readonly #reads = new SharedReads<Frame>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#frames = new ByteLru(maxBytes, ({ byteLength }) => byteLength)
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#frames.bytes
  }

  /**
   * The frame of `key`, from memory or made now.
   * @param make reads and encodes it; its signal aborts when nobody waits any more
   * @returns shared by all readers: not to be written to
   * @throws the signal's reason after an abort, else what `make` threw; failures are not kept
   */
  async get(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<Frame>): Promise<Frame> {
    signal.throwIfAborted()
    const kept = this.#frames.get(key)
    if (kept !== undefined) return kept
    return this.#reads.read(key, signal, async (shared) => {
      const frame = await make(shared)
      shared.throwIfAborted() // nobody waits any more, maybe since there is nobody left
      if (frame.byteLength <= this.#maxBytes) this.#frames.set(key, frame)
      return frame
    })
  }

  /** Keep no frame any more whose key `isGone`. */
  forget(isGone: (key: string) => boolean): void {
    for (const key of this.#frames.keys()) if (isGone(key)) this.#frames.delete(key)
  }
}
