import { writeSync } from 'node:fs'
import { DataError } from '../data-source.ts'
import { eachBlock } from './blocks.ts'
import type { SparseParts } from './sparse-parts.ts'
import type { NumberArray, Turn } from './stored-tree.ts'

/**
 * Some rows of a matrix, sorted by columns, as they stand in a file. Column *j* takes the bytes from
 * `offset + 8 × pointers[j]`: first its rows (u32, ascending), then as many values (f32).
 */
export type ColumnBlock = { startRow: number; endRow: number; offset: number; pointers: Uint32Array }

/** Where blocks go: an open file, and how many stored values make one. Memory is 12 bytes for each of them. */
export type BuildTarget = { fd: number; blockValues: number }

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
  for (let startRow = 0; startRow < rowCount; ) {
    const endRow = blockEnd(pointers, startRow, target.blockValues)
    const block = await sortBlock(source, startRow, endRow, turn)
    await writeAll(target.fd, block.bytes, offset, turn)
    done({ startRow, endRow, offset, pointers: block.pointers })
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

async function sortBlock(
  { parts, pointers, columns }: Source,
  startRow: number,
  endRow: number,
  turn: Turn,
): Promise<{ bytes: Uint8Array; pointers: Uint32Array }> {
  const range = [pointers[startRow] ?? 0, pointers[endRow] ?? 0] as const
  const count = range[1] - range[0]
  if (count > MAX_BLOCK_VALUES) throw new DataError('too_large', `${parts.path} has a row of ${count} values.`)
  const indices = new Uint32Array(count)
  const starts = await countColumns(parts, range, columns, indices, turn)
  const words = new Uint32Array(count * 2)
  const values = new Float32Array(words.buffer)
  const next = starts.slice()
  let row = startRow
  await eachBlock(parts.data, [range], turn, (block, before) => {
    for (let i = 0; i < block.length; i++) {
      const k = before + i
      while ((pointers[row + 1] ?? Number.POSITIVE_INFINITY) <= range[0] + k) row++
      const column = indices[k] ?? 0
      const start = starts[column] ?? 0
      const place = next[column] ?? 0
      next[column] = place + 1
      words[start + place] = row
      values[(starts[column + 1] ?? 0) + place] = block[i] ?? 0
    }
  })
  return { bytes: new Uint8Array(words.buffer), pointers: starts }
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

async function writeAll(fd: number, bytes: Uint8Array, offset: number, turn: Turn): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    await turn()
    at += writeSync(fd, bytes, at, Math.min(WRITE_BYTES, bytes.length - at), offset + at)
  }
}
