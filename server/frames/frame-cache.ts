import { SharedReads } from '../../data/shared-reads.ts'

/**
 * Encoded column and embedding frames, the least recently used leaving first, bounded in bytes. One read per key at a
 * time, shared by several readers; it ends when its last reader leaves. Keys name source, version and column.
 */
export class ColumnCache<Frame extends { readonly byteLength: number }> {
  readonly #maxBytes: number
  /** In order of use, oldest first. */
  readonly #frames = new Map<string, Frame>()
  readonly #reads = new SharedReads<Frame>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes
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
    if (kept !== undefined) {
      this.#frames.delete(key)
      this.#frames.set(key, kept)
      return kept
    }
    return this.#reads.read(key, signal, async (shared) => {
      const frame = await make(shared)
      shared.throwIfAborted() // nobody waits any more, maybe since there is nobody left
      this.#keep(key, frame)
      return frame
    })
  }

  /** Keep no frame any more whose key `isGone`. */
  forget(isGone: (key: string) => boolean): void {
    for (const [key, { byteLength }] of this.#frames) {
      if (!isGone(key)) continue
      this.#frames.delete(key)
      this.#bytes -= byteLength
    }
  }

  #keep(key: string, frame: Frame): void {
    if (frame.byteLength > this.#maxBytes) return
    const before = this.#frames.get(key)
    if (before !== undefined) this.#bytes -= before.byteLength
    this.#frames.delete(key)
    this.#frames.set(key, frame)
    this.#bytes += frame.byteLength
    for (const [oldest, old] of this.#frames) {
      if (this.#bytes <= this.#maxBytes) break
      this.#frames.delete(oldest)
      this.#bytes -= old.byteLength
    }
  }
}
