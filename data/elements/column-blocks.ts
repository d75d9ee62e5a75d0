import { DataError } from '../data-source.ts'
import type { NumberArray, Turn } from '../stored-tree.ts'
import { fitsFloat32, isLostInFloat32, mostOf } from '../values/value-type.ts'
import { eachBlock } from './blocks.ts'
import type { SparseParts } from './sparse-parts.ts'

/**
 * Some rows of a matrix, sorted by columns, as they stand in a file. Column *j* takes the bytes from
 * `offset + storedBytes × pointers[j]`: first its rows (u32, ascending), then as many values (f32; f64 where that would
 * lose what a user can see).
 */
export type ColumnBlock = {
  startRow: number
  endRow: number
  offset: number
  valueBytes: 4 | 8
  pointers: Uint32Array
}

const ROW_BYTES = 4

/** Bytes of a stored value with its row. */
export function storedBytes({ valueBytes }: Pick<ColumnBlock, 'valueBytes'>): number {
  return ROW_BYTES + valueBytes
}

/** Where blocks go, and how many stored values make one. Memory is 12 bytes for each of them, or 16. */
export type BuildTarget = {
  /** Write bytes, or the first of them, from a place on. @returns how many were written */
  write: (bytes: Uint8Array, offset: number) => number
  blockValues: number
}

type Source = { parts: SparseParts; pointers: NumberArray; columns: number }
type Progress = { done: (block: ColumnBlock) => void; turn: Turn }

/** One piece of a write: the thread can be stopped between two of them. */
const WRITE_BYTES = 32 << 20
/** A row has at most one value a gene; more than this is no expression matrix. */
const MAX_BLOCK_VALUES = 1 << 28

/**
 * Sort a matrix that is stored by rows by its columns, in one pass with bounded memory: a counting sort of as many rows
 * as fit a block, written one after the other.
 */
export async function buildColumnBlocks(source: Source, target: BuildTarget, { done, turn }: Progress): Promise<void> {
  const { pointers } = source
  const rowCount = pointers.length - 1
  let offset = 0
  let valueBytes: 4 | 8 = 4
  for (let startRow = 0; startRow < rowCount; ) {
    const endRow = blockEnd(pointers, startRow, target.blockValues)
    const block = await sortBlock(source, { startRow, endRow, valueBytes }, turn)
    // Where one block needed the room, the next will too.
    valueBytes = block.valueBytes
    await writeAll(target, block.bytes, offset, turn)
    done({ startRow, endRow, offset, valueBytes, pointers: block.pointers })
    offset += block.bytes.length
    startRow = endRow
  }
}

/** As many rows as hold the wanted number of values, but at least one. */
function blockEnd(pointers: NumberArray, startRow: number, blockValues: number): number {
  const limit = (pointers[startRow] ?? 0) + blockValues
  let end = startRow + 1
  while (end < pointers.length - 1 && (pointers[end + 1] ?? 0) <= limit) end++
  return end
}

type SortedBlock = { bytes: Uint8Array; pointers: Uint32Array; valueBytes: 4 | 8 }
type BlockRows = { startRow: number; endRow: number; valueBytes: 4 | 8 }

async function sortBlock(
  { parts, pointers, columns }: Source,
  { startRow, endRow, valueBytes }: BlockRows,
  turn: Turn,
): Promise<SortedBlock> {
  const range = [pointers[startRow] ?? 0, pointers[endRow] ?? 0] as const
  const count = range[1] - range[0]
  if (count > MAX_BLOCK_VALUES) throw new DataError('too_large', `${parts.path} has a row of ${count} values.`)
  const indices = new Uint32Array(count)
  const starts = await countColumns(parts, range, columns, indices, turn)
  const scatter = { parts, pointers, range, startRow, indices, starts }
  const narrow = valueBytes === 4 ? await scatterFloats(scatter, turn) : null
  if (narrow !== null) return { bytes: narrow, pointers: starts, valueBytes: 4 }
  return { bytes: await scatterDoubles(scatter, turn), pointers: starts, valueBytes: 8 }
}

type Scatter = {
  parts: SparseParts
  pointers: NumberArray
  range: readonly [number, number]
  startRow: number
  indices: Uint32Array
  starts: Uint32Array
}

/** `null` where float32 would lose what a user can see. */
async function scatterFloats(scatter: Scatter, turn: Turn): Promise<Uint8Array | null> {
  const { parts, pointers, range, indices, starts } = scatter
  const words = new Uint32Array(indices.length * 2)
  const values = new Float32Array(words.buffer)
  const next = starts.slice()
  const most = fitsFloat32(parts.data.type) ? Number.POSITIVE_INFINITY : mostOf(parts.data.type)
  let hasLost = false
  let row = scatter.startRow
  await eachBlock(parts.data, [range], turn, (block, before) => {
    for (let i = 0; i < block.length; i++) {
      const k = before + i
      while ((pointers[row + 1] ?? Number.POSITIVE_INFINITY) <= range[0] + k) row++
      const column = indices[k] ?? 0
      const start = starts[column] ?? 0
      const place = next[column] ?? 0
      const value = block[i] ?? 0
      next[column] = place + 1
      words[start + place] = row
      values[(starts[column + 1] ?? 0) + place] = value
      if (Math.fround(value) !== value) hasLost ||= isLostInFloat32(value, most)
    }
  })
  return hasLost ? null : new Uint8Array(words.buffer)
}

/** Doubles begin at any multiple of 4, where no typed array can. */
async function scatterDoubles(scatter: Scatter, turn: Turn): Promise<Uint8Array> {
  const { parts, pointers, range, indices, starts } = scatter
  const bytes = new Uint8Array(indices.length * storedBytes({ valueBytes: 8 }))
  const view = new DataView(bytes.buffer)
  const next = starts.slice()
  let row = scatter.startRow
  await eachBlock(parts.data, [range], turn, (block, before) => {
    for (let i = 0; i < block.length; i++) {
      const k = before + i
      while ((pointers[row + 1] ?? Number.POSITIVE_INFINITY) <= range[0] + k) row++
      const column = indices[k] ?? 0
      const start = starts[column] ?? 0
      const end = starts[column + 1] ?? 0
      const place = next[column] ?? 0
      next[column] = place + 1
      view.setUint32(start * 12 + (place - start) * ROW_BYTES, row, true)
      view.setFloat64(start * 12 + (end - start) * ROW_BYTES + (place - start) * 8, block[i] ?? 0, true)
    }
  })
  return bytes
}

/** Copy the indices of a range and count them by column. @returns where each column begins, shape (columns + 1,) */
async function countColumns(
  parts: SparseParts,
  range: readonly [number, number],
  columns: number,
  indices: Uint32Array,
  turn: Turn,
): Promise<Uint32Array> {
  const starts = new Uint32Array(columns + 1)
  await eachBlock(parts.indices, [range], turn, (block, before) => {
    indices.set(block, before)
    for (let i = 0; i < block.length; i++) {
      const index = block[i] ?? 0
      if (!(index >= 0 && index < columns)) {
        const found = `${parts.path}/indices names gene ${index}`
        throw new DataError('malformed', `${found}, but there are ${columns} genes.`)
      }
      starts[index + 1] = (starts[index + 1] ?? 0) + 1
    }
  })
  for (let column = 0; column < columns; column++)
    starts[column + 1] = (starts[column + 1] ?? 0) + (starts[column] ?? 0)
  return starts
}

async function writeAll({ write }: BuildTarget, bytes: Uint8Array, offset: number, turn: Turn): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    await turn()
    at += write(bytes.subarray(at, at + WRITE_BYTES), offset + at)
  }
}
