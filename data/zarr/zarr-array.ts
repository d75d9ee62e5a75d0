import * as zarr from 'zarrita'
import { messageOf } from '../../protocol/errors.ts'
import { DataError } from '../data-source.ts'
import type { Attributes, NumberArray, StoredArray, ValueType, Window } from '../stored-tree.ts'
import { isWhole } from '../values/value-type.ts'
import { wideToDouble } from '../values/wide-integers.ts'
import type { ChunkCache, ChunkValues } from './chunk-cache.ts'
import { type ArrayLayout, checkLayout } from './zarr-layout.ts'
import type { ZarrNode } from './zarr-nodes.ts'
import type { ZarrStore } from './zarr-store.ts'

/** `container` is the path of the store, `path` that inside of it. */
export type ArrayPlace = {
  container: string
  store: ZarrStore
  cache: ChunkCache
  path: string
  attributes: Attributes
}
type Chunks = zarr.Array<zarr.DataType>

/** Chunks that are read and unpacked at once. */
const PARALLEL_CHUNKS = 4

/** @throws DataError `unsupported`, `too_large` or `malformed` for metadata that cannot be read or believed */
export async function openArray(node: Extract<ZarrNode, { kind: 'array' }>, place: ArrayPlace): Promise<StoredArray> {
  const layout = checkLayout(node, place.path, place.container)
  const name = node.format === 3 ? '/zarr.json' : '/.zarray'
  const document = new TextEncoder().encode(JSON.stringify(node.document))
  const location = zarr.root(storeOf(place, name, document))
  try {
    const options = { kind: 'array' } as const
    const chunks = await (node.format === 3
      ? zarr.open.v3(location, options)
      : zarr.open.v2(location, { ...options, attrs: false }))
    return new ZarrArray(chunks, layout, place)
  } catch (cause) {
    const reason = messageOf(cause)
    throw new DataError('unsupported', `${place.path} cannot be read: ${reason.replace(/\.$/, '')}.`, { cause })
  }
}

/** The array as a hierarchy of its own: its path, which may hold anything, is never part of a URL that is parsed. */
function storeOf({ store, path }: ArrayPlace, documentKey: string, document: Uint8Array): zarr.AsyncReadable {
  const inside = async (key: string, range?: zarr.RangeQuery) => {
    if (key === documentKey) return document
    return (await store.get(`${path}${key}`, range)) ?? undefined
  }
  return { get: (key) => inside(key), getRange: inside }
}

/** An array of numbers or texts, read chunk by chunk. */
class ZarrArray implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly attributes: Attributes
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[]
  readonly #array: Chunks
  readonly #cache: ChunkCache

  constructor(array: Chunks, { shape, chunks, type }: ArrayLayout, { path, attributes, cache }: ArrayPlace) {
    this.path = path
    this.attributes = attributes
    this.shape = shape
    this.chunks = chunks
    this.type = type
    this.#array = array
    this.#cache = cache
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    const block = await this.#read(window)
    if (!ArrayBuffer.isView(block)) throw new DataError('unsupported', `${this.path} holds texts, not numbers.`)
    see(block)
  }

  async texts(window: Window): Promise<string[]> {
    const block = isWhole(this.type) ? await this.#digits(window) : await this.#read(window)
    if (ArrayBuffer.isView(block)) throw new DataError('unsupported', `${this.path} holds numbers, not texts.`)
    return [...block]
  }

  async #read(window: Window): Promise<ChunkValues> {
    const coordinates = chunksIn(window, this.chunks)
    const [only] = coordinates
    if (only !== undefined && coordinates.length === 1) {
      const chunk = await this.#chunk(only)
      const [range] = window
      const [length] = this.chunks
      if (window.length === 1 && range !== undefined && length !== undefined) {
        const start = (only[0] ?? 0) * length
        return ArrayBuffer.isView(chunk)
          ? chunk.subarray(range[0] - start, range[1] - start)
          : chunk.slice(range[0] - start, range[1] - start)
      }
    }
    const count = window.reduce((length, [start, end]) => length * (end - start), 1)
    return this.#gather(window, this.#makeBlock(count), (coordinate) => this.#chunk(coordinate))
  }

  /** Of chunks that are decoded anew: what the cache has are doubles. */
  #digits(window: Window): Promise<ChunkValues> {
    const count = window.reduce((length, [start, end]) => length * (end - start), 1)
    const out = new Array<string>(count).fill('')
    return this.#gather(window, out, (coordinate) => this.#decode(coordinate, (data) => Array.from(data, String)))
  }

  async #gather(
    window: Window,
    out: NumberArray | string[],
    read: (coordinate: readonly number[]) => Promise<ChunkValues>,
  ): Promise<ChunkValues> {
    const coordinates = chunksIn(window, this.chunks)
    for (let at = 0; at < coordinates.length; at += PARALLEL_CHUNKS) {
      const now = coordinates.slice(at, at + PARALLEL_CHUNKS)
      const found = await Promise.all(now.map(read))
      for (const [i, coordinate] of now.entries()) {
        copyChunk(found[i] ?? [], { coordinate, chunks: this.chunks, window, out })
      }
    }
    return out
  }

  async #chunk(coordinate: readonly number[]): Promise<ChunkValues> {
    const key = `${this.path}\n${coordinate.join('.')}`
    const kept = this.#cache.get(key)
    if (kept !== null) return kept
    const chunk = await this.#decode(coordinate, valuesOf)
    this.#cache.set(key, chunk)
    return chunk
  }

  async #decode(
    coordinate: readonly number[],
    toValues: (data: zarr.TypedArray<zarr.DataType>) => ChunkValues,
  ): Promise<ChunkValues> {
    const place = `${this.path}, chunk ${coordinate.join('.') || '0'},`
    let chunk: zarr.Chunk<zarr.DataType>
    try {
      chunk = await this.#array.getChunk([...coordinate])
    } catch (cause) {
      // What the store says is about a key; which element it belongs to is said here.
      if (cause instanceof DataError) throw cause
      const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
      if (inner instanceof DataError) throw new DataError(inner.code, `${place} ${inner.message}`, { cause })
      const reason = messageOf(inner)
      throw new DataError('malformed', `${place} is damaged (${reason.slice(0, 200)}).`, { cause })
    }
    const expected = this.chunks.reduce((length, size) => length * size, 1)
    if (chunk.data.length !== expected) {
      throw new DataError('malformed', `${place} holds ${chunk.data.length} values where ${expected} belong.`)
    }
    return rowMajor(toValues(chunk.data), chunk.shape, chunk.stride)
  }

  #makeBlock(count: number): NumberArray | string[] {
    const { type } = this
    switch (type.kind) {
      case 'text':
        return new Array<string>(count).fill('')
      case 'bool':
        return new Uint8Array(count)
      case 'float':
        return type.bytes === 8 ? new Float64Array(count) : new Float32Array(count)
      case 'int':
        return type.bytes === 8 ? new Float64Array(count) : new Int32Array(count)
      case 'uint':
        return type.bytes === 8 ? new Float64Array(count) : new Uint32Array(count)
      case 'other':
        throw new DataError('unsupported', `${this.path} holds values of type ${type.name}.`)
    }
  }
}

/** Places of all chunks that a window touches. */
function chunksIn(window: Window, chunks: readonly number[]): number[][] {
  let found: number[][] = [[]]
  for (const [axis, [start, end]] of window.entries()) {
    const size = Math.max(1, chunks[axis] ?? 1)
    if (end <= start) return []
    const first = Math.floor(start / size)
    const last = Math.floor((end - 1) / size)
    found = found.flatMap((before) => Array.from({ length: last - first + 1 }, (_, i) => [...before, first + i]))
  }
  return found
}

type Copy = {
  coordinate: readonly number[]
  chunks: readonly number[]
  window: Window
  out: NumberArray | string[]
}

/** Copy the part of a chunk that lies in the window to where it belongs; both are row-major. */
function copyChunk(chunk: ChunkValues, { coordinate, chunks, window, out }: Copy): void {
  const axes = window.length
  const starts = window.map(([start], axis) => Math.max(start, (coordinate[axis] ?? 0) * (chunks[axis] ?? 1)))
  const ends = window.map(([, end], axis) => Math.min(end, ((coordinate[axis] ?? 0) + 1) * (chunks[axis] ?? 1)))
  const visit = (axis: number, from: number, to: number) => {
    const start = starts[axis] ?? 0
    const end = ends[axis] ?? 1
    const chunkStart = from * (chunks[axis] ?? 1) + start - (coordinate[axis] ?? 0) * (chunks[axis] ?? 1)
    const [windowStart, windowEnd] = window[axis] ?? [0, 1]
    const outStart = to * (windowEnd - windowStart) + start - windowStart
    if (axis >= axes - 1) {
      for (let i = 0; i < end - start; i++) out[outStart + i] = chunk[chunkStart + i] ?? 0
      return
    }
    for (let i = 0; i < end - start; i++) visit(axis + 1, chunkStart + i, outStart + i)
  }
  visit(0, 0, 0)
}

/** In the form that readers expect: 64-bit integers as doubles, booleans as 0 and 1, texts as a list. */
function valuesOf(data: zarr.TypedArray<zarr.DataType>): ChunkValues {
  if (data instanceof BigInt64Array) return wideToDouble(wordsOf(data), true)
  if (data instanceof BigUint64Array) return wideToDouble(wordsOf(data), false)
  if (data instanceof zarr.BoolArray) return new Uint8Array(data.buffer, data.byteOffset, data.length)
  if (data instanceof zarr.UnicodeStringArray || data instanceof zarr.ByteStringArray) {
    return Array.from(data, (text) => text.replace(/\0+$/, ''))
  }
  if (Array.isArray(data)) {
    const texts: unknown[] = data
    return texts.every((text) => typeof text === 'string')
      ? texts
      : texts.map((text) => (typeof text === 'string' ? text : ''))
  }
  return isHalf(data) ? Float32Array.from(data) : data
}

/** Not every Node that this runs on has the name; there the type was refused. */
function isHalf(data: NumberArray | Float16Array): data is Float16Array {
  return 'Float16Array' in globalThis && data instanceof Float16Array
}

function wordsOf(data: BigInt64Array | BigUint64Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length * 2)
}

/** Chunks that were stored column by column are turned. */
function rowMajor(values: ChunkValues, shape: readonly number[], stride: readonly number[]): ChunkValues {
  let expected = 1
  let isTurned = false
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if ((shape[axis] ?? 1) > 1 && stride[axis] !== expected) isTurned = true
    expected *= shape[axis] ?? 1
  }
  if (!isTurned) return values
  const out = values.slice() as NumberArray | string[] // a copy of whichever of the two it is
  const visit = (axis: number, from: number, to: number) => {
    for (let i = 0; i < (shape[axis] ?? 1); i++) {
      const source = from + i * (stride[axis] ?? 1)
      const target = to * (shape[axis] ?? 1) + i
      if (axis === shape.length - 1) out[target] = values[source] ?? 0
      else visit(axis + 1, source, target)
    }
  }
  visit(0, 0, 0)
  return out
}
