import { createReadStream } from 'node:fs'
import { createInflate, type Inflate } from 'node:zlib'
import { DataError } from '../../../data/data-source.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { ChunkPlace } from './chunk-map.ts'

/** So much is unpacked between two ticks. */
const PIECE_BYTES = 4 << 20

/** Larger ones are unpacked again for each read that goes back. */
const WORTH_KEEPING_BYTES = 512 << 20

/** How one chunk is packed: its bytes unpacked, of an element, and what was done to it. */
export type ChunkForm = { bytes: number; elementBytes: number; isDeflated: boolean; isShuffled: boolean }

type Parts = { fd: number; place: ChunkPlace; form: ChunkForm; path: string; tick: () => void }

/**
 * The bytes of one chunk from its beginning on, never more of it in memory than was asked for; going back begins anew. One
 * that was shuffled has to be in memory whole.
 */
export class ChunkStream {
  readonly #parts: Parts
  #pieces: AsyncIterator<Buffer> | null = null
  #stream: Inflate | null = null
  /** Unpacked bytes that are at hand, and where in the chunk they begin. */
  #here: Uint8Array = new Uint8Array()
  #at = 0
  #whole: Uint8Array | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether all of it is in memory. */
  get keptBytes(): number {
    return this.#whole?.length ?? 0
  }

  /** Whether reading from there on means to unpack it once more, which keeping it would spare. */
  isWorthKeeping(start: number): boolean {
    return this.#whole === null && start < this.#at && this.#parts.form.bytes <= WORTH_KEEPING_BYTES
  }

  /** @returns a view that is valid until the next read. @throws DataError `malformed` */
  async read(start: number, end: number): Promise<Uint8Array> {
    if (this.#parts.form.isShuffled && this.#whole === null) await this.keep()
    if (this.#whole !== null) return this.#whole.subarray(start, end)
    if (start < this.#at) this.rewind()
    const out = new Uint8Array(end - start)
    await this.#walk(start, end, out)
    return out
  }

  /** Unpack all of it into memory. */
  async keep(): Promise<void> {
    this.rewind()
    const { bytes, isShuffled } = this.#parts.form
    const whole = new Uint8Array(bytes)
    await (isShuffled ? this.#unshuffle(whole) : this.#walk(0, bytes, whole))
    this.rewind()
    this.#whole = whole
  }

  /** Let go of what is in memory. */
  rewind(): void {
    this.#stream?.destroy()
    this.#stream = null
    this.#pieces = null
    this.#here = new Uint8Array()
    this.#at = 0
    this.#whole = null
  }

  async #walk(start: number, end: number, out: Uint8Array): Promise<void> {
    for (let place = start; place < end; ) {
      const skipped = place - this.#at
      if (skipped >= this.#here.length) {
        this.#at += this.#here.length
        this.#here = await this.#next()
        continue
      }
      const part = this.#here.subarray(skipped, skipped + end - place)
      out.set(part, place - start)
      place += part.length
    }
  }

  /** The first bytes of all elements are stored first, then the second ones, and so on. */
  async #unshuffle(out: Uint8Array): Promise<void> {
    const { bytes, elementBytes } = this.#parts.form
    const count = bytes / elementBytes
    while (this.#at < bytes) {
      const piece = await this.#next()
      let element = this.#at % count
      let to = element * elementBytes + Math.floor(this.#at / count)
      for (let i = 0; i < piece.length; i++) {
        out[to] = piece[i] ?? 0
        to += elementBytes
        if (++element < count) continue
        element = 0
        to = Math.floor((this.#at + i + 1) / count)
      }
      this.#at += piece.length
    }
  }

  async #next(): Promise<Uint8Array> {
    this.#pieces ??= this.#open()
    this.#parts.tick()
    const { path, form } = this.#parts
    try {
      const next = await this.#pieces.next()
      if (next.done !== true && this.#at + next.value.length <= form.bytes) return next.value
      const found = next.done === true ? this.#at : 'more'
      throw new DataError(
        'malformed',
        `A chunk of ${path} unpacks to ${found} bytes, not ${form.bytes}: it is damaged.`,
      )
    } catch (cause) {
      if (cause instanceof DataError) throw cause
      const reason = messageOf(cause)
      throw new DataError('malformed', `A chunk of ${path} is damaged (${reason}). Copy the file again.`, { cause })
    }
  }

  #open(): AsyncIterator<Buffer> {
    const { fd, place, form } = this.#parts
    const range = { start: place.address, end: place.address + place.bytes - 1 }
    const stored = createReadStream('', { fd, autoClose: false, highWaterMark: PIECE_BYTES, ...range })
    if (!form.isDeflated) return stored[Symbol.asyncIterator]()
    const inflate = createInflate({ chunkSize: PIECE_BYTES })
    stored.on('error', (error) => inflate.destroy(error))
    this.#stream = stored.pipe(inflate)
    return inflate[Symbol.asyncIterator]()
  }
}
