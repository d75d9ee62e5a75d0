import { openSync } from 'node:fs'
import { DataError } from '../../../data/data-source.ts'
import type { Attributes, AttributeValue, Window } from '../../../data/stored-tree.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { Hdf5Library, Hdf5Metadata } from './h5wasm.ts'
import { takeAttribute, valueTypeOf } from './hdf5-values.ts'
import { KeptChunks } from './kept-chunks.ts'

/** What the library calls a group. */
export const GROUP = 0
/** Each failure keeps some of the library's 2 MiB stack. */
const MAX_FAILURES = 32
const MAX_ATTRIBUTE_BYTES = 16 << 20
/** One read; callers cut at less, chunks can be larger than their cut. */
const MAX_READ_BYTES = 256 << 20

/** A dataset: where it is, how messages name it, what it is. */
export type Hdf5Place = { objectPath: string; path: string; metadata: Hdf5Metadata }

/** One open HDF5 file. Reads only, within this file only. */
export class Hdf5File {
  readonly library: Hdf5Library
  readonly id: bigint
  readonly plugins: ReadonlySet<number>
  /** Called while something takes long: there is progress. */
  readonly tick: () => void
  readonly kept = new KeptChunks()
  readonly path: string
  #descriptor: number | null = null
  #failures = 0
  readonly #names = new Map<string, ReadonlySet<string>>()

  constructor(
    library: Hdf5Library,
    path: string,
    { plugins, tick }: { plugins: ReadonlySet<number>; tick: () => void },
  ) {
    this.library = library
    this.plugins = plugins
    this.tick = tick
    this.path = path
    this.id = this.call('The file', () => library.open(path, library.H5F_ACC_RDONLY, false, -1, -1))
  }

  /** The file, open for reading beside the library; it closes with the thread. */
  get descriptor(): number {
    this.#descriptor ??= openSync(this.path, 'r')
    return this.#descriptor
  }

  /** Where the header of an object stands. */
  addressOf(objectPath: string): number {
    const reference = this.call(objectPath, () => this.library.create_object_reference(this.id, objectPath))
    return Number(Buffer.from(reference).readBigUInt64LE(0))
  }

  isGroup(objectPath: string): boolean {
    return (
      this.#names.has(objectPath) || this.call(objectPath, () => this.library.get_type(this.id, objectPath)) === GROUP
    )
  }

  /** Names of a group's links; a group is listed once. */
  names(objectPath: string): ReadonlySet<string> {
    const kept = this.#names.get(objectPath)
    if (kept !== undefined) return kept
    const names = new Set(this.call(objectPath, () => this.library.get_names(this.id, objectPath, false)))
    this.#names.set(objectPath, names)
    return names
  }

  /**
   * True once the library failed. An error leaves objects open and memory taken, so the read under way may go on to
   * what is not damaged, and then the thread has to be replaced.
   */
  get hasFailed(): boolean {
    return this.#failures > 0
  }

  /** Run a call of the library. @throws DataError `malformed` with the place for whatever it throws */
  call<T>(place: string, run: () => T): T {
    if (this.#failures >= MAX_FAILURES) {
      throw new DataError('malformed', `${place} was not read: too much of the file is damaged.`)
    }
    try {
      return run()
    } catch (cause) {
      if (cause instanceof DataError) throw cause
      // A trap leaves the library in no state at all.
      this.#failures += cause instanceof Error && cause.name === 'RuntimeError' ? MAX_FAILURES : 1
      throw translateFailure(place, cause)
    }
  }

  /** Run `take` on memory that holds the bytes that `fill` wrote. */
  withMemory<T>(bytes: number, fill: (place: bigint) => void, take: (place: number) => T): T {
    const { library } = this
    const place = library._malloc(Math.max(bytes, 1))
    if (place === 0)
      throw new DataError('too_large', `${bytes.toLocaleString('en')} bytes are more than the reader has.`)
    try {
      fill(BigInt(place))
      return take(place)
    } finally {
      library._free(place)
    }
  }

  /**
   * Read a window of a dataset: `take` gets the place and the number of its elements, row-major.
   * @param path for messages
   */
  read<T>({ objectPath, path, metadata }: Hdf5Place, window: Window, take: (place: number, count: number) => T): T {
    const { library, id } = this
    const count = window.reduce((length, [start, end]) => length * (end - start), 1)
    const bytes = count * metadata.size
    if (bytes > MAX_READ_BYTES) {
      throw new DataError('too_large', `${path}: ${bytes.toLocaleString('en')} bytes in one read.`)
    }
    if (count === 0) return take(0, 0)
    const sizes = window.map(([start, end]) => BigInt(end - start))
    const offsets = window.map(([start]) => BigInt(start))
    const strides = window.map(() => 1n)
    // A single value has no axes to choose along.
    const hasAxes = window.length > 0
    const fill = (place: bigint) => {
      const part = {
        sizes: hasAxes ? sizes : null,
        offsets: hasAxes ? offsets : null,
        strides: hasAxes ? strides : null,
      }
      checkStatus(library.get_dataset_data(id, objectPath, part.sizes, part.offsets, part.strides, place))
    }
    return this.call(path, () =>
      this.withMemory(bytes, fill, (place) => {
        const taken = take(place, count)
        // What texts were read into belongs to the library.
        if (holdsTexts(metadata)) library.reclaim_vlen_memory_count(id, objectPath, '', BigInt(place), sizes)
        return taken
      }),
    )
  }

  attributes(objectPath: string, place: string): Attributes {
    const names = new Set(this.call(place, () => this.library.get_attribute_names(this.id, objectPath)))
    const found = new Map<string, AttributeValue | undefined>()
    return {
      get: (name) => {
        // Each one that is read costs three calls of the library, and a table has thousands.
        if (names.delete(name)) found.set(name, this.call(place, () => this.#attribute(objectPath, name)) ?? undefined)
        return found.get(name)
      },
    }
  }

  #attribute(objectPath: string, name: string): AttributeValue | null {
    const { library, id } = this
    const metadata = library.get_attribute_metadata(id, objectPath, name)
    const bytes = metadata.size * metadata.total_size
    if (metadata.shape === null || bytes > MAX_ATTRIBUTE_BYTES || valueTypeOf(metadata).kind === 'other') return null
    const fill = (place: bigint) => checkStatus(library.get_attribute_data(id, objectPath, name, place))
    return this.withMemory(bytes, fill, (place) => {
      const value = takeAttribute(library.HEAPU8, metadata, place)
      if (metadata.vlen) library.reclaim_vlen_memory(id, objectPath, name, BigInt(place))
      return value
    })
  }
}

function holdsTexts({ vlen, compound_type }: Hdf5Metadata): boolean {
  return vlen || (compound_type?.members.some((member) => member.vlen) ?? false)
}

function checkStatus(status: number): void {
  if (status < 0) throw new Error(`HDF5 returned ${status}`)
}

/** The library's report is a stack of lines; the first says what was tried, the last why it failed. */
function translateFailure(place: string, cause: unknown): DataError {
  const text = messageOf(cause)
  const reasons = [...text.matchAll(/#\d{3}: \S+ line \d+ in \w+\(\): ([^\n]*)/g)].map((match) => match[1] ?? '')
  const reason = reasons.at(-1)?.slice(0, 200) ?? 'the reader failed'
  const truncated = /truncated file: eof = (\d+).*stored_eof = (\d+)/.exec(text)
  if (truncated !== null) {
    const [, found, expected] = truncated
    return new DataError(
      'malformed',
      `The file is truncated: ${found} of ${expected} bytes are there, or it is still being copied. Copy or download it again.`,
      { cause },
    )
  }
  return new DataError(
    'malformed',
    `${place} is damaged or not readable (${reason}). Write or download the file again.`,
    { cause },
  )
}
