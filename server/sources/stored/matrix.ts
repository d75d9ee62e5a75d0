import type { GeneArray } from '../anndata-reader.ts'
import { DataError } from '../data-source.ts'
import { eachBlock, readFloats, readIntegers } from './blocks.ts'
import { checkEncoding, encodingOf, lengthOf, listIn, numbersAttribute, textAttribute } from './element.ts'
import type { NumberArray, StoredArray, StoredGroup, StoredNode, Turn } from './stored-tree.ts'

/** A cells × genes matrix: dense, or compressed by rows (CSR) or columns (CSC). */
export interface Matrix {
  /** Values of one column. @throws DataError */
  column(index: number, turn: Turn): Promise<GeneArray>
}

/** @param shape what obs and var say. @throws DataError `malformed` where the matrix says otherwise */
export async function openMatrix(node: StoredNode, shape: readonly [number, number]): Promise<Matrix> {
  checkEncoding(node)
  if (node.kind === 'array') {
    checkShape(node.path, node.shape, shape)
    return new DenseMatrix(node)
  }
  const format = formatOf(node)
  if (format === null) {
    throw new DataError(
      'unsupported',
      `${node.path} has encoding "${encodingOf(node)}", which is no matrix that can be read.`,
    )
  }
  const stored = numbersAttribute(node.attributes, 'shape') ?? numbersAttribute(node.attributes, 'h5sparse_shape')
  checkShape(node.path, stored ?? [], shape)
  const parts = await openParts(node, format === 'csr' ? shape[0] : shape[1])
  return format === 'csr' ? new CsrMatrix(parts, shape) : new CscMatrix(parts, shape)
}

function formatOf(group: StoredGroup): 'csr' | 'csc' | null {
  const format = textAttribute(group.attributes, 'h5sparse_format') ?? encodingOf(group)
  if (format.startsWith('csr')) return 'csr'
  return format.startsWith('csc') ? 'csc' : null
}

function checkShape(path: string, found: readonly number[], expected: readonly [number, number]): void {
  if (found.length === 2 && found[0] === expected[0] && found[1] === expected[1]) return
  const says = `obs and var make (${expected.join(', ')})`
  throw new DataError('malformed', `${path} has shape (${found.join(', ')}), but ${says}.`)
}

class DenseMatrix implements Matrix {
  readonly #array: StoredArray

  constructor(array: StoredArray) {
    this.#array = array
  }

  async column(index: number, turn: Turn): Promise<GeneArray> {
    const rows = this.#array.shape[0] ?? 0
    return {
      form: 'dense',
      values: await readFloats(
        this.#array,
        [
          [0, rows],
          [index, index + 1],
        ],
        turn,
      ),
    }
  }
}

type Parts = { data: StoredArray; indices: StoredArray; indptr: StoredArray; path: string; stored: number }

async function openParts(group: StoredGroup, major: number): Promise<Parts> {
  const indptr = await listIn(group, 'indptr', major + 1)
  const indices = await listIn(group, 'indices', null)
  const stored = lengthOf(indices)
  const data = await listIn(group, 'data', stored)
  return { data, indices, indptr, path: group.path, stored }
}

/**
 * Where each row (or column) begins among the stored values.
 * @throws DataError `malformed` where they do not begin at 0, fall, or do not end at the number of values
 */
async function readPointers({ indptr, path, stored }: Parts, turn: Turn): Promise<NumberArray> {
  const pointers = await readIntegers(indptr, [0, lengthOf(indptr)], turn)
  let before = 0
  for (let i = 0; i < pointers.length; i++) {
    const pointer = pointers[i] ?? 0
    if (pointer < before || (i === 0 && pointer !== 0)) {
      throw new DataError('malformed', `${path}/indptr falls to ${pointer} at place ${i}: the matrix is damaged.`)
    }
    before = pointer
  }
  if (before !== stored) {
    throw new DataError('malformed', `${path}/indptr ends at ${before}, but ${stored} values are stored.`)
  }
  return pointers
}

class CscMatrix implements Matrix {
  readonly #parts: Parts
  readonly #rows: number
  #pointers: NumberArray | null = null

  constructor(parts: Parts, [rows]: readonly [number, number]) {
    this.#parts = parts
    this.#rows = rows
  }

  async column(index: number, turn: Turn): Promise<GeneArray> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    const range = [this.#pointers[index] ?? 0, this.#pointers[index + 1] ?? 0] as const
    const stored = await readIntegers(this.#parts.indices, range, turn)
    const values = await readFloats(this.#parts.data, [range], turn)
    const place = `${this.#parts.path}/indices`
    return { form: 'sparse', n: this.#rows, ...canonical(checkedRows(stored, this.#rows, place), values) }
  }
}

function checkedRows(stored: NumberArray, rowCount: number, place: string): Uint32Array {
  const rows = new Uint32Array(stored.length)
  for (let i = 0; i < stored.length; i++) {
    const row = stored[i] ?? 0
    if (!(row >= 0 && row < rowCount)) {
      throw new DataError('malformed', `${place} names row ${row}, but there are ${rowCount} cells.`)
    }
    rows[i] = row
  }
  return rows
}

/** Rows ascending and unique: entries out of order are legal, and double ones add up, as in scipy. */
export function canonical(rows: Uint32Array, values: Float32Array): { rows: Uint32Array; values: Float32Array } {
  let isAscending = true
  for (let i = 1; i < rows.length && isAscending; i++) isAscending = (rows[i] ?? 0) > (rows[i - 1] ?? 0)
  if (isAscending) return { rows, values }
  const order = Uint32Array.from(rows.keys()).sort((a, b) => (rows[a] ?? 0) - (rows[b] ?? 0) || a - b)
  const outRows = new Uint32Array(rows.length)
  const outValues = new Float32Array(rows.length)
  let length = 0
  for (const from of order) {
    const row = rows[from] ?? 0
    if (length > 0 && outRows[length - 1] === row)
      outValues[length - 1] = (outValues[length - 1] ?? 0) + (values[from] ?? 0)
    else {
      outRows[length] = row
      outValues[length++] = values[from] ?? 0
    }
  }
  return { rows: outRows.slice(0, length), values: outValues.slice(0, length) }
}

class CsrMatrix implements Matrix {
  readonly #parts: Parts
  readonly #shape: readonly [number, number]
  #pointers: NumberArray | null = null

  constructor(parts: Parts, shape: readonly [number, number]) {
    this.#parts = parts
    this.#shape = shape
  }

  /** Every index has to be looked at: what a matrix stored by rows costs. */
  async column(index: number, turn: Turn): Promise<GeneArray> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    const [rowCount, columnCount] = this.#shape
    const places = await this.#placesOf(index, columnCount, turn)
    const values = await readAt(this.#parts.data, places, turn)
    return { form: 'sparse', n: rowCount, ...canonical(rowsOf(places, this.#pointers), values) }
  }

  /** Places among the stored values that belong to a column, ascending. */
  async #placesOf(column: number, columnCount: number, turn: Turn): Promise<Float64Array> {
    const { indices, stored, path } = this.#parts
    const places = new GrowingPlaces()
    await eachBlock(indices, [[0, stored]], turn, (block, offset) => {
      let largest = 0
      let smallest = 0
      for (let i = 0; i < block.length; i++) {
        const index = block[i] ?? 0
        if (index === column) places.push(offset + i)
        if (index > largest) largest = index
        if (index < smallest) smallest = index
      }
      if (largest >= columnCount || smallest < 0) {
        const found = smallest < 0 ? smallest : largest
        throw new DataError('malformed', `${path}/indices names gene ${found}, but there are ${columnCount} genes.`)
      }
    })
    return places.take()
  }
}

class GrowingPlaces {
  #places = new Float64Array(1024)
  #length = 0

  push(place: number): void {
    if (this.#length === this.#places.length) {
      const larger = new Float64Array(this.#length * 2)
      larger.set(this.#places)
      this.#places = larger
    }
    this.#places[this.#length++] = place
  }

  take(): Float64Array {
    return this.#places.subarray(0, this.#length)
  }
}

/** Row of each place: both ascend, so one walk along the pointers finds them all. */
function rowsOf(places: Float64Array, pointers: NumberArray): Uint32Array {
  const rows = new Uint32Array(places.length)
  let row = 0
  for (let i = 0; i < places.length; i++) {
    while ((pointers[row + 1] ?? Number.POSITIVE_INFINITY) <= (places[i] ?? 0)) row++
    rows[i] = row
  }
  return rows
}

/** Values at ascending places. Blocks without a place are not read. */
async function readAt(data: StoredArray, places: Float64Array, turn: Turn): Promise<Float32Array> {
  const values = new Float32Array(places.length)
  let done = 0
  while (done < places.length) {
    const start = places[done] ?? 0
    const limit = Math.min(lengthOf(data), alignedEnd(data, start))
    let next = done
    while (next < places.length && (places[next] ?? 0) < limit) next++
    const end = (places[next - 1] ?? start) + 1
    await eachBlock(data, [[start, end]], turn, (block, offset) => {
      const from = start + offset
      for (; done < next && (places[done] ?? 0) < from + block.length; done++) {
        values[done] = block[(places[done] ?? 0) - from] ?? 0
      }
    })
  }
  return values
}

const READ_VALUES = 1 << 22

/** Whole chunks, so that none is decoded twice. */
function alignedEnd(data: StoredArray, start: number): number {
  const chunk = data.chunks?.[0] ?? 1
  return Math.ceil((start + READ_VALUES) / chunk) * chunk
}
