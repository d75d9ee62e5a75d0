import type { GeneArray } from '../anndata/anndata-reader.ts'
import { type Block, checkIndices } from '../compare/block.ts'
import { DataError } from '../data-source.ts'
import type { NumberArray, StoredArray, StoredGroup, StoredNode, Turn, ValueType, Window } from '../stored-tree.ts'
import { fitsFloat32, geneValues } from '../values/value-type.ts'
import { eachBlock, readIntegers, readValues } from './blocks.ts'
import { canonical } from './canonical.ts'
import { type BuildTarget, buildColumnBlocks, type ColumnBlock } from './column-blocks.ts'
import { CsrScan } from './csr-scan.ts'
import { checkEncoding, encodingOf, numbersAttribute, textAttribute } from './element.ts'
import { openSparseParts, readPointers, type SparseParts } from './sparse-parts.ts'

/** What reading a column of a matrix costs, `csr` looks at every stored value; and what a value is. */
export type MatrixInfo = {
  format: 'dense' | 'csr' | 'csc'
  rows: number
  columns: number
  stored: number
  type: ValueType
}

/** A cells × genes matrix: dense, or compressed by rows (CSR) or columns (CSC). */
export interface Matrix {
  readonly info: MatrixInfo
  /** Values of one column. @throws DataError */
  column(index: number, turn: Turn): Promise<GeneArray>
  /** Whole rows, or whole columns of one that is stored by them, from `start` on; about `most` values. @throws DataError */
  block(start: number, most: number, turn: Turn): Promise<Block>
}

/** @param shape what obs and var say. @throws DataError `malformed` where the matrix says otherwise */
export async function openMatrix(node: StoredNode, shape: readonly [number, number]): Promise<Matrix> {
  checkEncoding(node)
  if (node.kind === 'array') {
    checkShape(node.path, node.shape, shape)
    return new DenseMatrix(node)
  }
  const format = compressionOf(node)
  if (format === null) {
    const found = `${node.path} has encoding "${encodingOf(node)}"`
    throw new DataError('unsupported', `${found}, which is no matrix that can be read.`)
  }
  checkShape(node.path, sparseShape(node), shape)
  const parts = await openSparseParts(node, format === 'csr' ? shape[0] : shape[1])
  return format === 'csr' ? new CsrMatrix(parts, shape) : new CscMatrix(parts, shape)
}

/** Rows and columns, as a compressed matrix says. */
export function sparseShape({ attributes }: StoredGroup): readonly number[] {
  return numbersAttribute(attributes, 'shape') ?? numbersAttribute(attributes, 'h5sparse_shape') ?? []
}

/** Whether a group is a matrix compressed by rows or by columns, `null` where it is none. */
export function compressionOf(group: StoredGroup): 'csr' | 'csc' | null {
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
  readonly info: MatrixInfo
  readonly #array: StoredArray

  constructor(array: StoredArray) {
    const [rows = 0, columns = 0] = array.shape
    this.info = { format: 'dense', rows, columns, stored: rows * columns, type: array.type }
    this.#array = array
  }

  async column(index: number, turn: Turn): Promise<GeneArray> {
    const window = [[0, this.info.rows] as const, [index, index + 1] as const]
    return { form: 'dense', ...geneValues(await readValues(this.#array, window, turn), this.info.type) }
  }

  /** Of an array in chunks whole chunks, so that none is decoded twice. */
  async block(start: number, most: number, turn: Turn): Promise<Block> {
    const { rows, columns: width } = this.info
    const chunkRows = this.#array.chunks?.[0] ?? 1
    const step = Math.max(1, Math.floor(most / Math.max(1, width) / chunkRows)) * chunkRows
    const end = Math.min(rows, (Math.floor(start / step) + 1) * step)
    const window = [[start, end] as const, [0, width] as const]
    const values = await readNumbers(this.#array, window, (end - start) * width, turn)
    return { form: 'dense', major: 'rows', start, end, width, values }
  }
}

class CscMatrix implements Matrix {
  readonly info: MatrixInfo
  readonly #parts: SparseParts
  #pointers: NumberArray | null = null

  constructor(parts: SparseParts, [rows, columns]: readonly [number, number]) {
    this.info = { format: 'csc', rows, columns, stored: parts.stored, type: parts.data.type }
    this.#parts = parts
  }

  async column(index: number, turn: Turn): Promise<GeneArray> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    const range = [this.#pointers[index] ?? 0, this.#pointers[index + 1] ?? 0] as const
    const stored = await readIntegers(this.#parts.indices, range, turn)
    const values = await readValues(this.#parts.data, [range], turn)
    const { rows: n } = this.info
    const rows = checkedRows(stored, n, `${this.#parts.path}/indices`)
    const found = canonical(rows, values)
    return { form: 'sparse', n, rows: found.rows, ...geneValues(found.values, this.info.type) }
  }

  async block(start: number, most: number, turn: Turn): Promise<Block> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    const range = { pointers: this.#pointers, start, most }
    return { major: 'columns', ...(await readStored(this.#parts, range, this.info.rows, turn)) }
  }
}

type StoredRange = { pointers: NumberArray; start: number; most: number }

/** @param limit of the indices */
async function readStored(parts: SparseParts, { pointers, start, most }: StoredRange, limit: number, turn: Turn) {
  const count = pointers.length - 1
  const first = pointers[start] ?? 0
  let end = start + 1
  while (end < count && (pointers[end + 1] ?? 0) - first <= most) end++
  const range = [first, pointers[end] ?? 0] as const
  const indices = await readIntegers(parts.indices, range, turn)
  try {
    checkIndices(indices, limit)
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    throw new DataError('malformed', `${parts.path}/indices has ${found}: the matrix is damaged.`, { cause: error })
  }
  const values = await readNumbers(parts.data, [range], range[1] - first, turn)
  const own = Float64Array.from(pointers.subarray(start, end + 1), (pointer) => pointer - first)
  return { form: 'sparse', start, end, pointers: own, indices, values } as const
}

/** As they are stored, in floats that hold them. */
async function readNumbers(array: StoredArray, window: Window, count: number, turn: Turn): Promise<NumberArray> {
  const values = fitsFloat32(array.type) ? new Float32Array(count) : new Float64Array(count)
  await eachBlock(array, window, turn, (block, offset) => values.set(block, offset))
  return values
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

export class CsrMatrix implements Matrix {
  readonly info: MatrixInfo
  readonly #parts: SparseParts
  readonly #scan: CsrScan
  #pointers: NumberArray | null = null

  constructor(parts: SparseParts, [rows, columns]: readonly [number, number]) {
    this.info = { format: 'csr', rows, columns, stored: parts.stored, type: parts.data.type }
    this.#parts = parts
    this.#scan = new CsrScan(parts, columns)
  }

  column(index: number, turn: Turn): Promise<GeneArray> {
    return this.columnFrom(index, 0, turn)
  }

  /** Values of one column in the rows from `startRow` on; `n` is of all rows. */
  async columnFrom(index: number, startRow: number, turn: Turn): Promise<GeneArray> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    return this.#scan.column(index, startRow, this.#pointers, turn)
  }

  async block(start: number, most: number, turn: Turn): Promise<Block> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    const range = { pointers: this.#pointers, start, most }
    return { major: 'rows', ...(await readStored(this.#parts, range, this.info.columns, turn)) }
  }

  /** Write all of it to a file, sorted by columns; `done` gets each block as soon as it stands there. */
  async build(target: BuildTarget, done: (block: ColumnBlock) => void, turn: Turn): Promise<void> {
    this.#pointers ??= await readPointers(this.#parts, turn)
    await buildColumnBlocks({ parts: this.#parts, pointers: this.#pointers, columns: this.info.columns }, target, {
      done,
      turn,
    })
  }
}
