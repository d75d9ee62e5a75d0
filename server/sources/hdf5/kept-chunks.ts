import type { ChunkStream } from './chunk-stream.ts'

/** Values and indices of a matrix: more would make one push out the other again and again. */
const MAX_KEPT_BYTES = 1.5 * 2 ** 30
/** Who looks at genes asks again soon. */
const KEEP_MS = 60_000

/** Chunks that are in memory whole, bounded in bytes and in time. */
export class KeptChunks {
  readonly #streams = new Set<ChunkStream>()
  #timer: NodeJS.Timeout | null = null

  /** A chunk was just read; others go where there is no room for all. */
  use(stream: ChunkStream): void {
    if (stream.keptBytes === 0) return
    this.#streams.delete(stream)
    this.#streams.add(stream)
    let bytes = 0
    for (const each of [...this.#streams].reverse()) {
      bytes += each.keptBytes
      if (bytes > MAX_KEPT_BYTES && each !== stream) this.#drop(each)
    }
    clearTimeout(this.#timer ?? undefined)
    this.#timer = setTimeout(() => this.#dropAll(), KEEP_MS).unref()
  }

  #dropAll(): void {
    for (const each of [...this.#streams]) this.#drop(each)
  }

  #drop(stream: ChunkStream): void {
    stream.rewind()
    this.#streams.delete(stream)
  }
}
