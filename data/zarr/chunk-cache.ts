import type { NumberArray } from '../stored-tree.ts'

export type ChunkValues = NumberArray | readonly string[]

/** Chunks are read several times where a block of texts, or a gene, is a part of one. */
const MAX_BYTES = 128 << 20
/** A short text in JavaScript. */
const TEXT_BYTES = 48

/** Unpacked chunks of one hierarchy, bounded in bytes; what was not used longest goes first. */
export class ChunkCache {
  readonly #chunks = new Map<string, ChunkValues>()
  #bytes = 0

  get(key: string): ChunkValues | null {
    const chunk = this.#chunks.get(key)
    if (chunk === undefined) return null
    this.#chunks.delete(key)
    this.#chunks.set(key, chunk)
    return chunk
  }

  set(key: string, chunk: ChunkValues): void {
    const bytes = sizeOf(chunk)
    if (bytes > MAX_BYTES / 2 || this.#chunks.has(key)) return
    this.#chunks.set(key, chunk)
    this.#bytes += bytes
    for (const [oldest, values] of this.#chunks) {
      if (this.#bytes <= MAX_BYTES) break
      this.#chunks.delete(oldest)
      this.#bytes -= sizeOf(values)
    }
  }
}

function sizeOf(chunk: ChunkValues): number {
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : chunk.length * TEXT_BYTES
}
