import { ByteLru } from '../byte-lru.ts'
import type { NumberArray } from '../stored-tree.ts'

export type ChunkValues = NumberArray | readonly string[]

/** Chunks are read several times where a block of texts, or a gene, is a part of one. */
const MAX_BYTES = 128 << 20
/** A short text in JavaScript. */
const TEXT_BYTES = 48

/** Unpacked chunks of one hierarchy, bounded in bytes; what was not used longest goes first. */
export class ChunkCache {
  readonly #chunks = new ByteLru(MAX_BYTES, sizeOf)

  get(key: string): ChunkValues | null {
    return this.#chunks.get(key) ?? null
  }

  set(key: string, chunk: ChunkValues): void {
    if (sizeOf(chunk) <= MAX_BYTES / 2) this.#chunks.set(key, chunk)
  }
}

function sizeOf(chunk: ChunkValues): number {
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : chunk.length * TEXT_BYTES
}
