import type { Values } from '../../protocol/column-frame.ts'
import { DataError } from '../data-source.ts'
import type { NumberArray, StoredArray, Turn, Window } from '../stored-tree.ts'
import { emptyPositions, Float32Copy, integersOf, isWhole, type Positions } from '../values/value-type.ts'

/** One read: small enough that an abort is noticed at once, large enough that its fixed cost vanishes. */
const BLOCK_BYTES = 16 << 20
/** A chunk is decoded whole, whatever is asked of it. */
const MAX_CHUNK_BYTES = 128 << 20
/** One column, one embedding, one index of a matrix. */
const MAX_ARRAY_BYTES = 1 << 30
/** Texts are kept whole, as two that are alike for long may differ; all of a column are in memory at once. */
const MAX_TEXT_CHARACTERS = 256 << 20
/** HDF5 reads ahead this much where it looks for a few bytes. */
const CONTIGUOUS_READ_BYTES = 64 << 10
const BLOCK_TEXTS = 1 << 14

/**
 * Read a window as float32, in blocks of rows.
 * @returns row-major, NaN is missing
 * @throws DataError `too_large`, `unsupported` for what is no real number, `malformed`
 */
export async function readFloats(array: StoredArray, window: Window, turn: Turn): Promise<Float32Array> {
  const out = new Float32Array(checkedCount(array, window, 4))
  await eachBlock(array, window, turn, (block, offset) => out.set(block, offset))
  return out
}

/**
 * Read a window of coordinates, in blocks of rows.
 * @returns row-major, NaN is missing; as doubles where float32 would round them: far from the origin, what tells cells
 * apart is in the last digits
 * @throws DataError as {@link readFloats}
 */
export async function readPositions(array: StoredArray, window: Window, turn: Turn): Promise<Positions> {
  const out = emptyPositions(array.type, checkedCount(array, window, 4))
  await eachBlock(array, window, turn, (block, offset) => out.set(block, offset))
  return out
}

/**
 * Read a window in the narrowest type that loses nothing a user can see; the few arrays that need a wider one than
 * float32 are read twice.
 * @returns row-major, NaN is missing; whole numbers beyond 2^53 are rounded
 * @throws DataError as {@link readFloats}
 */
export async function readValues(array: StoredArray, window: Window, turn: Turn): Promise<Values> {
  const copy = new Float32Copy(checkedCount(array, window, 4), array.type)
  await eachBlock(array, window, turn, (block, offset) => copy.add(block, offset))
  if (copy.isEnough) return copy.values
  const out = new Float64Array(checkedCount(array, window, 8))
  await eachBlock(array, window, turn, (block, offset) => out.set(block, offset))
  return isWhole(array.type) ? integersOf(out) : out
}

/** Read one axis of whole numbers as texts with all their digits. */
export async function readDigits(array: StoredArray, range: readonly [number, number], turn: Turn): Promise<string[]> {
  checkIntegers(array)
  checkedCount(array, [range], 16)
  return readTextBlocks(array, range, turn)
}

/** Read one axis of integers (indices, pointers, codes) whole; Float64Array where they are stored in 64 bits. */
export async function readIntegers(
  array: StoredArray,
  range: readonly [number, number],
  turn: Turn,
): Promise<NumberArray> {
  checkIntegers(array)
  const out = makeLike(array, checkedCount(array, [range], 8))
  await eachBlock(array, [range], turn, (block, offset) => out.set(block, offset))
  return out
}

/** Read one axis of texts. */
export async function readTexts(array: StoredArray, range: readonly [number, number], turn: Turn): Promise<string[]> {
  if (array.type.kind !== 'text') throw notNumbers(array, 'texts')
  checkedCount(array, [range], 16)
  checkChunk(array)
  return readTextBlocks(array, range, turn)
}

async function readTextBlocks(array: StoredArray, range: readonly [number, number], turn: Turn): Promise<string[]> {
  const out: string[] = []
  let characters = 0
  const step = chunkAligned(array, BLOCK_TEXTS)
  for (let start = range[0]; start < range[1]; ) {
    await turn()
    const end = Math.min(range[1], (Math.floor(start / step) + 1) * step)
    for (const text of await array.texts([[start, end]])) {
      characters += text.length
      out.push(text)
    }
    if (characters > MAX_TEXT_CHARACTERS) {
      const limit = MAX_TEXT_CHARACTERS.toLocaleString('en')
      throw new DataError('too_large', `${array.path} holds texts of more than ${limit} characters in all.`)
    }
    start = end
  }
  return out
}

/**
 * Visit a window's numbers block by block along its first axis, cut where chunks end so that none is decoded twice.
 * @param visit gets row-major values that it may not keep, and how many numbers came before them
 */
export async function eachBlock(
  array: StoredArray,
  window: Window,
  turn: Turn,
  visit: (block: NumberArray, offset: number) => void,
): Promise<void> {
  checkNumbers(array)
  const [rows, ...others] = window
  if (rows === undefined) throw new DataError('malformed', `${array.path} is a single value where a list belongs.`)
  const rowLength = others.reduce((length, [start, end]) => length * (end - start), 1)
  const step = blockRows(array, rowLength)
  let offset = 0
  for (let start = rows[0]; start < rows[1]; ) {
    await turn()
    // To the next multiple of the step: blocks then begin where chunks begin.
    const end = Math.min(rows[1], (Math.floor(start / step) + 1) * step)
    const before = offset
    await array.visit([[start, end], ...others], (block) => visit(block, before))
    offset += (end - start) * rowLength
    start = end
  }
}

/** @throws DataError where it holds no numbers, or too many in one chunk */
export function checkNumbers(array: StoredArray): void {
  if (array.type.kind === 'text' || array.type.kind === 'other') throw notNumbers(array, 'real numbers')
  checkChunk(array)
}

/** @throws DataError where it holds no whole numbers, or too many in one chunk */
export function checkIntegers(array: StoredArray): void {
  if (array.type.kind !== 'int' && array.type.kind !== 'uint') throw notNumbers(array, 'whole numbers')
  checkChunk(array)
}

/** A number of values that ends where chunks end, about as large as wanted. */
export function chunkAligned(array: StoredArray, wanted: number): number {
  const chunk = array.chunks?.[0] ?? 1
  return Math.ceil(wanted / chunk) * chunk
}

/** So many rows that what has to be read for them, not what is kept, is a block. */
function blockRows(array: StoredArray, rowLength: number): number {
  const wanted = rowLength * itemBytes(array)
  const stored = (array.chunks ?? array.shape).slice(1).reduce((length, size) => length * size, itemBytes(array))
  // A row that lies in one piece is read through a window of the library, not whole.
  const touched = Math.max(wanted, array.chunks === null ? Math.min(stored, CONTIGUOUS_READ_BYTES) : stored, 1)
  const rows = Math.max(1, Math.floor(BLOCK_BYTES / touched))
  const chunkRows = array.chunks?.[0] ?? 1
  return rows <= chunkRows ? chunkRows : rows - (rows % chunkRows)
}

/** The number of values in a window, once it is known to lie inside the array and to fit the budget. */
function checkedCount(array: StoredArray, window: Window, bytesPerValue: number): number {
  const fits =
    window.length === array.shape.length &&
    window.every(([start, end], axis) => {
      return start >= 0 && start <= end && end <= (array.shape[axis] ?? 0)
    })
  if (!fits) {
    const asked = window.map(([start, end]) => `${start}:${end}`).join(', ')
    throw new DataError(
      'malformed',
      `${array.path} has shape ${shapeText(array)}; [${asked}] was expected to lie inside.`,
    )
  }
  const count = window.reduce((length, [start, end]) => length * (end - start), 1)
  if (count * bytesPerValue > MAX_ARRAY_BYTES) {
    const size = `${(count * bytesPerValue).toLocaleString('en')} bytes`
    throw new DataError(
      'too_large',
      `${array.path} would take ${size}; the limit is ${MAX_ARRAY_BYTES.toLocaleString('en')}.`,
    )
  }
  return count
}

function checkChunk(array: StoredArray): void {
  if (array.chunks === null) return
  const bytes = array.chunks.reduce((length, size) => length * size, itemBytes(array))
  if (bytes > MAX_CHUNK_BYTES) {
    const found = `${array.path} is stored in chunks of ${bytes.toLocaleString('en')} bytes`
    const limit = MAX_CHUNK_BYTES.toLocaleString('en')
    throw new DataError('too_large', `${found}; the limit is ${limit}. ${array.rewriteAdvice ?? ''}`.trimEnd())
  }
}

function itemBytes({ type }: StoredArray): number {
  if (type.kind === 'bool') return 1
  return type.kind === 'text' || type.kind === 'other' ? 8 : type.bytes
}

function makeLike({ type }: StoredArray, length: number): NumberArray {
  const isSigned = type.kind === 'int'
  switch (itemBytesOf(type)) {
    case 1:
      return isSigned ? new Int8Array(length) : new Uint8Array(length)
    case 2:
      return isSigned ? new Int16Array(length) : new Uint16Array(length)
    case 4:
      return isSigned ? new Int32Array(length) : new Uint32Array(length)
    default:
      return new Float64Array(length)
  }
}

function itemBytesOf(type: StoredArray['type']): number {
  return 'bytes' in type ? type.bytes : 1
}

function notNumbers(array: StoredArray, expected: string): DataError {
  const { type } = array
  const found = type.kind === 'other' ? type.name : type.kind
  return new DataError('unsupported', `${array.path} holds values of type ${found}, not ${expected}.`)
}

export function shapeText({ shape }: StoredArray): string {
  return `(${shape.join(', ')})`
}
