import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import type {
  Attributes,
  AttributeValue,
  NumberArray,
  StoredArray,
  StoredGroup,
  StoredNode,
  ValueType,
  Window,
} from '../stored/stored-tree.ts'
import type { Hdf5Library, Hdf5Metadata } from './h5wasm.ts'
import { checkFilters } from './hdf5-filters.ts'
import { takeAttribute, takeNumbers, takeTexts, valueTypeOf } from './hdf5-values.ts'

const GROUP = 0
const DATASET = 1
/** Soft links that point at soft links: more of them are a loop. */
const MAX_LINKS = 16
/** Each failure keeps some of the library's 2 MiB stack. */
const MAX_FAILURES = 32
const MAX_ATTRIBUTE_BYTES = 16 << 20
/** One read; callers cut at less, chunks can be larger than their cut. */
const MAX_READ_BYTES = 256 << 20

/** One open HDF5 file. Reads only, within this file only. */
export class Hdf5File {
  readonly library: Hdf5Library
  readonly id: bigint
  readonly plugins: ReadonlySet<number>
  #failures = 0
  readonly #names = new Map<string, ReadonlySet<string>>()

  constructor(library: Hdf5Library, path: string, plugins: ReadonlySet<number>) {
    this.library = library
    this.plugins = plugins
    this.id = this.call('The file', () => library.open(path, library.H5F_ACC_RDONLY, false, -1, -1))
  }

  /** Names of a group's links; a group is listed once. */
  names(objectPath: string): ReadonlySet<string> {
    const kept = this.#names.get(objectPath)
    if (kept !== undefined) return kept
    const names = new Set(this.call(objectPath, () => this.library.get_names(this.id, objectPath, false)))
    this.#names.set(objectPath, names)
    return names
  }

  get root(): StoredGroup {
    return new Hdf5Group(this, '/', '')
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

  attributes(objectPath: string, place: string): Attributes {
    return this.call(place, () => {
      const found = new Map<string, AttributeValue>()
      for (const name of this.library.get_attribute_names(this.id, objectPath)) {
        const value = this.#attribute(objectPath, name)
        if (value !== null) found.set(name, value)
      }
      return found
    })
  }

  #attribute(objectPath: string, name: string): AttributeValue | null {
    const { library, id } = this
    const metadata = library.get_attribute_metadata(id, objectPath, name)
    const bytes = metadata.size * metadata.total_size
    if (metadata.shape === null || bytes > MAX_ATTRIBUTE_BYTES || valueTypeOf(metadata).kind === 'other') return null
    const fill = (place: bigint) => checkStatus(library.get_attribute_data(id, objectPath, name, place))
    return this.withMemory(bytes, fill, (place) => {
      const value = takeAttribute(library, metadata, place)
      if (metadata.vlen) library.reclaim_vlen_memory(id, objectPath, name, BigInt(place))
      return value
    })
  }
}

class Hdf5Group implements StoredGroup {
  readonly kind = 'group'
  readonly path: string
  readonly #file: Hdf5File
  readonly #objectPath: string
  #attributes: Attributes | null = null

  /** @param objectPath where it is without following a link. @param path as messages name it */
  constructor(file: Hdf5File, objectPath: string, path: string) {
    this.#file = file
    this.#objectPath = objectPath
    this.path = path
  }

  get attributes(): Attributes {
    this.#attributes ??= this.#file.attributes(this.#objectPath, this.path)
    return this.#attributes
  }

  async keys(): Promise<readonly string[]> {
    return [...this.#file.names(this.#objectPath)]
  }

  async get(name: string): Promise<StoredNode | null> {
    const objectPath = resolve(this.#file, this.#objectPath, name, MAX_LINKS)
    return objectPath === null
      ? null
      : openNode(this.#file, objectPath, this.path === '' ? name : `${this.path}/${name}`)
  }
}

/**
 * Walk a path one link at a time, so that nothing is followed before it is known to stay inside the file.
 * @param name may hold slashes, as a column `a/b` does
 * @returns the object's own path, or `null` where a part of the way is missing
 */
function resolve(file: Hdf5File, from: string, name: string, linksLeft: number): string | null {
  let here = name.startsWith('/') ? '/' : from
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    const next = here === '/' ? `/${part}` : `${here}/${part}`
    const target = followLink(file, here, part, next)
    if (target === null) return null
    if (target.kind === 'here') here = next
    else {
      if (linksLeft === 0) throw new DataError('malformed', `${quoted(next)} is a link that leads back to itself.`)
      const followed = resolve(file, here, target.path, linksLeft - 1)
      if (followed === null) return null
      here = followed
    }
  }
  return here
}

type LinkTarget = { kind: 'here' } | { kind: 'link'; path: string }

function followLink(file: Hdf5File, parent: string, part: string, path: string): LinkTarget | null {
  const { library, id } = file
  if (file.call(path, () => library.get_type(id, parent)) !== GROUP || !file.names(parent).has(part)) return null
  const external = file.call(path, () => library.get_external_link(id, path))
  if (external.filename !== undefined) {
    const found = `${quoted(path)} is a link to another file, which is not followed`
    throw new DataError('unsupported', `${found}. Write the data into one file.`)
  }
  // Typed as text; null where the link is a hard one.
  const soft: string | null = file.call(path, () => library.get_symbolic_link(id, path))
  return soft === null ? { kind: 'here' } : { kind: 'link', path: soft }
}

function openNode(file: Hdf5File, objectPath: string, path: string): StoredNode {
  const type = file.call(path, () => file.library.get_type(file.id, objectPath))
  if (type === GROUP) return new Hdf5Group(file, objectPath, path)
  if (type === DATASET) return new Hdf5Array(file, objectPath, path)
  throw new DataError('unsupported', `${quoted(path)} is neither a group nor an array.`)
}

class Hdf5Array implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[] | null
  readonly #file: Hdf5File
  readonly #objectPath: string
  readonly #metadata: Hdf5Metadata
  #attributes: Attributes | null = null

  constructor(file: Hdf5File, objectPath: string, path: string) {
    const { library, id, plugins } = file
    this.#metadata = file.call(path, () => library.get_dataset_metadata(id, objectPath))
    const { shape, chunks, virtual_sources } = this.#metadata
    if (virtual_sources !== undefined) {
      throw new DataError(
        'unsupported',
        `${path} is a virtual dataset, made of other files, which are not read. Write the data into one file.`,
      )
    }
    if (chunks !== null) file.call(path, () => checkFilters(library, id, objectPath, path, plugins))
    this.path = path
    this.shape = shape ?? []
    this.type = shape === null ? { kind: 'other', name: 'empty' } : valueTypeOf(this.#metadata)
    this.chunks = chunks
    this.#file = file
    this.#objectPath = objectPath
  }

  get attributes(): Attributes {
    this.#attributes ??= this.#file.attributes(this.#objectPath, this.path)
    return this.#attributes
  }

  async numbers(window: Window): Promise<NumberArray> {
    const { library } = this.#file
    return this.#read(window, (place, count) => takeNumbers(library, this.type, place, count))
  }

  async texts(window: Window): Promise<string[]> {
    const { library, id } = this.#file
    return this.#read(window, (place, count) => {
      const texts = takeTexts(library, this.#metadata, place, count)
      if (this.#metadata.vlen) {
        library.reclaim_vlen_memory_count(id, this.#objectPath, '', BigInt(place), sizesOf(window))
      }
      return texts
    })
  }

  #read<T>(window: Window, take: (place: number, count: number) => T): T {
    const { library, id } = this.#file
    const count = window.reduce((length, [start, end]) => length * (end - start), 1)
    const bytes = count * this.#metadata.size
    if (bytes > MAX_READ_BYTES) {
      throw new DataError('too_large', `${this.path}: ${bytes.toLocaleString('en')} bytes in one read.`)
    }
    if (count === 0) return take(0, 0)
    const offsets = window.map(([start]) => BigInt(start))
    const strides = window.map(() => 1n)
    const fill = (place: bigint) =>
      checkStatus(library.get_dataset_data(id, this.#objectPath, sizesOf(window), offsets, strides, place))
    return this.#file.call(this.path, () => this.#file.withMemory(bytes, fill, (place) => take(place, count)))
  }
}

function sizesOf(window: Window): bigint[] {
  return window.map(([start, end]) => BigInt(end - start))
}

function checkStatus(status: number): void {
  if (status < 0) throw new Error(`HDF5 returned ${status}`)
}

/** The library's report is a stack of lines; the first says what was tried, the last why it failed. */
function translateFailure(place: string, cause: unknown): DataError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const reasons = [...text.matchAll(/#\d{3}: \S+ line \d+ in \w+\(\): ([^\n]*)/g)].map((match) => match[1] ?? '')
  const reason = reasons.at(-1)?.slice(0, 200) ?? 'the reader failed'
  const truncated = /truncated file: eof = (\d+).*stored_eof = (\d+)/.exec(text)
  if (truncated !== null) {
    const [, found, expected] = truncated
    return new DataError(
      'malformed',
      `The file is truncated: ${found} of ${expected} bytes are there. Copy or download it again.`,
      { cause },
    )
  }
  return new DataError(
    'malformed',
    `${place} is damaged or not readable (${reason}). Write or download the file again.`,
    { cause },
  )
}
