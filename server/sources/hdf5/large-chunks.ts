import { DataError } from '../../../data/data-source.ts'
import type { Attributes, NumberArray, StoredArray, ValueType, Window } from '../../../data/stored-tree.ts'
import { viewNumbers } from '../../../data/values/number-views.ts'
import { type ChunkPlace, findChunks } from './chunk-map.ts'
import { type ChunkForm, ChunkStream } from './chunk-stream.ts'
import type { Hdf5File, Hdf5Place } from './hdf5-file.ts'
import { takeTexts, valueTypeOf } from './hdf5-values.ts'

/** The library unpacks a chunk whole for every read of it, which it does well up to here. */
const LARGE_CHUNK_BYTES = 64 << 20
/** As one column: it may have to be in memory whole. */
const MAX_CHUNK_BYTES = 1 << 30
/** Rows that are looked at in one piece. */
const PIECE_BYTES = 16 << 20

const FILTERS = { deflate: 1, shuffle: 2, fletcher: 3 } as const
/** What a checksum takes behind a chunk. */
const CHECKSUM_BYTES = 4

/**
 * An array in chunks that are too large for the library, as writers in R make them: one for the whole array. They are
 * unpacked as a stream, from front to back.
 * @returns `null` for an array of other chunks, or packed in another way
 */
export function openLargeChunks(file: Hdf5File, place: Hdf5Place): StoredArray | null {
  const { shape, chunks, size, vlen } = place.metadata
  const { kind } = valueTypeOf(place.metadata)
  if (shape === null || chunks === null || vlen || kind === 'other' || shape.length > 2) return null
  const bytes = chunks.reduce((total, length) => total * length, size)
  const isCutByRows = chunks.slice(1).every((length, axis) => length >= (shape[axis + 1] ?? 0))
  if (bytes <= LARGE_CHUNK_BYTES || bytes > MAX_CHUNK_BYTES || !isCutByRows) return null
  const filters = file.library.get_dataset_filters(file.id, place.objectPath).map(({ id }) => id)
  const packing = filters.filter((id) => id !== FILTERS.fletcher).join()
  if (!['', '1', '2,1'].includes(packing)) return null
  const found = findChunks(file.descriptor, file.addressOf(place.objectPath))
  const rows = chunks[0] ?? 1
  const isWhole = found?.every(({ start, filterMask }, i) => start === i * rows && filterMask === 0) === true
  if (found === null || !isWhole || found.length !== Math.ceil((shape[0] ?? 0) / rows)) return null
  const form = { bytes, elementBytes: size, isDeflated: packing.endsWith('1'), isShuffled: packing === '2,1' }
  const checksum = filters.includes(FILTERS.fletcher) ? CHECKSUM_BYTES : 0
  const streams = found.map((chunk) => streamOf(file, place.path, { ...chunk, bytes: chunk.bytes - checksum }, form))
  return new LargeChunks(file, place, streams)
}

function streamOf(file: Hdf5File, path: string, place: ChunkPlace, form: ChunkForm): ChunkStream {
  return new ChunkStream({ fd: file.descriptor, place, form, path, tick: file.tick })
}

class LargeChunks implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly shape: readonly number[]
  readonly type: ValueType
  /** Callers need not ask for whole chunks. */
  readonly chunks = null
  readonly #file: Hdf5File
  readonly #place: Hdf5Place
  readonly #streams: readonly ChunkStream[]
  /** A stream has one place: reads come one after the other. */
  #reading: Promise<unknown> = Promise.resolve()
  #attributes: Attributes | null = null

  constructor(file: Hdf5File, place: Hdf5Place, streams: readonly ChunkStream[]) {
    this.path = place.path
    this.shape = place.metadata.shape ?? []
    this.type = valueTypeOf(place.metadata)
    this.#file = file
    this.#place = place
    this.#streams = streams
  }

  get attributes(): Attributes {
    this.#attributes ??= this.#file.attributes(this.#place.objectPath, this.path)
    return this.#attributes
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    const bytes = await this.#read(window)
    const { size, littleEndian } = this.#place.metadata
    if (!littleEndian && size > 1) swapBytes(bytes, size)
    see(viewNumbers(bytes, this.type, 0, bytes.length / size))
  }

  async texts(window: Window): Promise<string[]> {
    const bytes = await this.#read(window)
    return takeTexts(bytes, this.#place.metadata, 0, bytes.length / this.#place.metadata.size)
  }

  #read(window: Window): Promise<Uint8Array> {
    const reading = this.#reading.then(() => this.#gather(window))
    this.#reading = reading.catch(() => null)
    return reading
  }

  async #gather([[first, last] = [0, 0], columns]: Window): Promise<Uint8Array> {
    const { size, chunks } = this.#place.metadata
    const [chunkRows = 1, width = 1] = chunks ?? []
    const [from, to] = columns ?? [0, 1]
    const rowBytes = (to - from) * size
    const out = new Uint8Array((last - first) * rowBytes)
    const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / (width * size)))
    for (let row = first; row < last; ) {
      const chunk = Math.floor(row / chunkRows)
      const end = Math.min(last, row + pieceRows, (chunk + 1) * chunkRows)
      const start = (row - chunk * chunkRows) * width * size
      const stored = await this.#bytes(chunk, start, start + (end - row) * width * size)
      for (let i = 0; i < end - row; i++) {
        const at = (i * width + from) * size
        // Without columns a piece is copied whole.
        if (rowBytes === width * size) {
          out.set(stored, (row - first) * rowBytes)
          break
        }
        out.set(stored.subarray(at, at + rowBytes), (row - first + i) * rowBytes)
      }
      row = end
    }
    return out
  }

  async #bytes(chunk: number, start: number, end: number): Promise<Uint8Array> {
    const stream = this.#streams[chunk]
    if (stream === undefined) throw new DataError('malformed', `${this.path} lacks chunk ${chunk}.`)
    // Who goes back once, as from one gene to the next, does so again.
    if (stream.isWorthKeeping(start)) await stream.keep()
    const bytes = await stream.read(start, end)
    this.#file.kept.use(stream)
    return bytes
  }
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}
