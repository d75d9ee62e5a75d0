import type { GeneArray } from '../anndata/anndata-reader.ts'
import { DataError } from '../data-source.ts'
import type { NumberArray, Turn } from '../stored-tree.ts'
import { fitsFloat32, geneValues } from '../values/value-type.ts'
import { chunkAligned } from './blocks.ts'
import { canonical } from './canonical.ts'
import type { SparseParts } from './sparse-parts.ts'

/** Stored values looked at between two turns. */
const BLOCK_VALUES = 1 << 22
/** Columns in one pass; a byte tells them apart. */
const MAX_TOGETHER = 250

type Hits = { places: Float64Array; values: Float32Array | Float64Array }
type Search = {
  column: number
  /** From which stored value on. */
  from: number
  turn: Turn
  /** Found so far, by block. */
  hits: Map<number, Hits>
  blocksLeft: Set<number>
  resolve: (hits: Map<number, Hits>) => void
  reject: (error: unknown) => void
}

/**
 * Columns of a matrix that is stored by rows. Every index has to be looked at, so those who ask at the same time share
 * one pass over the file: each joins where it is, and is done when it came round.
 */
export class CsrScan {
  readonly #parts: SparseParts
  readonly #columnCount: number
  readonly #blockValues: number
  readonly #searches: Search[] = []
  #isRunning = false

  constructor(parts: SparseParts, columnCount: number, blockValues = BLOCK_VALUES) {
    this.#parts = parts
    this.#columnCount = columnCount
    this.#blockValues = chunkAligned(parts.indices, blockValues)
  }

  /**
   * @param startRow rows before it are left out
   * @returns rows of the whole matrix, ascending and unique
   */
  async column(column: number, startRow: number, pointers: NumberArray, turn: Turn): Promise<GeneArray> {
    const n = pointers.length - 1
    const from = pointers[startRow] ?? 0
    const first = Math.floor(from / this.#blockValues)
    const end = Math.ceil(this.#parts.stored / this.#blockValues)
    const blocksLeft = new Set(Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i))
    if (blocksLeft.size === 0) return { form: 'sparse', n, rows: new Uint32Array(), values: new Float32Array() }
    const { promise, resolve, reject } = Promise.withResolvers<Map<number, Hits>>()
    this.#searches.push({ column, from, turn, hits: new Map(), blocksLeft, resolve, reject })
    if (!this.#isRunning) {
      this.#isRunning = true
      // A little later: who asks at the same moment comes along from the first block on.
      queueMicrotask(() => void this.#run())
    }
    const { places, values } = inOrder(await promise)
    const { rows, values: found } = canonical(rowsOf(places, pointers, startRow), values)
    return { form: 'sparse', n, rows, ...geneValues(found, this.#parts.data.type) }
  }

  async #run(): Promise<void> {
    const blockCount = Math.ceil(this.#parts.stored / this.#blockValues)
    for (let block = 0; this.#searches.length > 0; block = (block + 1) % blockCount) {
      const searches = this.#searches.filter(({ blocksLeft }) => blocksLeft.has(block)).slice(0, MAX_TOGETHER)
      if (searches.length === 0) continue
      for (const search of searches) await search.turn().catch((error: unknown) => this.#end(search, error))
      await this.#searchBlock(block, searches).catch((error: unknown) => {
        for (const search of searches) this.#end(search, error)
      })
      for (const search of searches) {
        search.blocksLeft.delete(block)
        if (search.blocksLeft.size === 0) this.#end(search)
      }
    }
    this.#isRunning = false
  }

  #end(search: Search, error?: unknown): void {
    const place = this.#searches.indexOf(search)
    if (place < 0) return
    this.#searches.splice(place, 1)
    if (error === undefined) search.resolve(search.hits)
    else search.reject(error)
  }

  async #searchBlock(block: number, searches: Search[]): Promise<void> {
    const start = block * this.#blockValues
    const end = Math.min(this.#parts.stored, start + this.#blockValues)
    const found = await this.#places(start, end, searches)
    const all = found.flatMap((places) => (places.length === 0 ? [] : [places[0] ?? 0, places.at(-1) ?? 0]))
    if (all.length === 0) return
    const window = [Math.min(...all), Math.max(...all) + 1] as const
    const isNarrow = fitsFloat32(this.#parts.data.type)
    await this.#parts.data.visit([window], (data) => {
      searches.forEach((search, i) => {
        const places = (found[i] ?? new Float64Array()).filter((place) => place >= search.from)
        const valueAt = (place: number) => data[place - window[0]] ?? 0
        const values = isNarrow ? Float32Array.from(places, valueAt) : Float64Array.from(places, valueAt)
        search.hits.set(block, { places, values })
      })
    })
  }

  /** Places among the stored values that belong to each search's column, ascending. */
  async #places(start: number, end: number, searches: Search[]): Promise<Float64Array[]> {
    // 0 says that nobody looks for a column; columns that do not exist say nothing at all.
    const slots = new Uint8Array(this.#columnCount)
    const lists: number[][] = []
    const listOf = searches.map(({ column }) => {
      slots[column] ||= lists.push([])
      return (slots[column] ?? 1) - 1
    })
    await this.#parts.indices.visit([[start, end]], (indices) => {
      for (let i = 0; i < indices.length; i++) {
        const slot = slots[indices[i] ?? 0]
        if (slot === 0) continue
        if (slot === undefined) throw this.#outside(indices[i] ?? 0)
        lists[slot - 1]?.push(start + i)
      }
    })
    return listOf.map((list) => Float64Array.from(lists[list] ?? []))
  }

  #outside(index: number): DataError {
    const { path } = this.#parts
    return new DataError('malformed', `${path}/indices names gene ${index}, but there are ${this.#columnCount} genes.`)
  }
}

function inOrder(hits: Map<number, Hits>): Hits {
  const blocks = [...hits].sort(([a], [b]) => a - b).map(([, found]) => found)
  const length = blocks.reduce((sum, { places }) => sum + places.length, 0)
  const isWide = blocks.some(({ values }) => values instanceof Float64Array)
  const joined = { places: new Float64Array(length), values: new (isWide ? Float64Array : Float32Array)(length) }
  let at = 0
  for (const { places, values } of blocks) {
    joined.places.set(places, at)
    joined.values.set(values, at)
    at += places.length
  }
  return joined
}

/** Row of each place: both ascend, so one walk along the pointers finds them all. */
function rowsOf(places: Float64Array, pointers: NumberArray, startRow: number): Uint32Array {
  const rows = new Uint32Array(places.length)
  let row = startRow
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? 0
    while ((pointers[row + 1] ?? Number.POSITIVE_INFINITY) <= place) row++
    rows[i] = row
  }
  return rows
}
