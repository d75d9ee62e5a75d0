import type { BlockAnswer } from '../../protocol/pipe.ts'
import type { NumberArray } from '../stored-tree.ts'
import type { Layout } from './layout.ts'

/**
 * A part of a cells × genes matrix: whole rows or whole columns from `start` on. `pointers`: where each of them begins
 * among `indices` and `values`. Dense: whole rows, or whole columns, one after the other.
 */
export type Block = { major: 'rows' | 'columns'; start: number; end: number } & (
  | { form: 'sparse'; pointers: NumberArray; indices: NumberArray; values: NumberArray }
  | { form: 'dense'; width: number; values: NumberArray }
)

/** See every value that is not zero of the cells whose code is not 0; double entries are summed first, as in scipy. */
export function eachStored(
  block: Block,
  codes: Uint8Array,
  see: (cell: number, gene: number, value: number) => void,
): void {
  const { values, start, end } = block
  const isRows = block.major === 'rows'
  for (let major = start; major < end; major++) {
    if (isRows && codes[major] === 0) continue
    if (block.form === 'dense') {
      const from = (major - start) * block.width
      for (let i = 0; i < block.width; i++) {
        const value = values[from + i] ?? 0
        if (value === 0) continue
        if (isRows) see(major, i, value)
        else if (codes[i] !== 0) see(i, major, value)
      }
      continue
    }
    const { indices, pointers } = block
    const from = pointers[major - start] ?? 0
    const to = pointers[major - start + 1] ?? 0
    if (!isUnique(indices, from, to)) {
      for (const [minor, value] of summed(indices, values, from, to)) {
        if (value === 0) continue
        if (isRows) see(major, minor, value)
        else if (codes[minor] !== 0) see(minor, major, value)
      }
      continue
    }
    for (let i = from; i < to; i++) {
      const value = values[i] ?? 0
      if (value === 0) continue
      const minor = indices[i] ?? 0
      if (isRows) see(major, minor, value)
      else if (codes[minor] !== 0) see(minor, major, value)
    }
  }
}

/** Ascending, as nearly all are; others may hold an index twice. */
function isUnique(indices: NumberArray, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if ((indices[i] ?? 0) <= (indices[i - 1] ?? 0)) return false
  return true
}

function summed(indices: NumberArray, values: NumberArray, from: number, to: number): [number, number][] {
  const sums = new Map<number, number>()
  const round = values instanceof Float32Array ? Math.fround : (value: number) => value
  for (let i = from; i < to; i++) {
    const index = indices[i] ?? 0
    const before = sums.get(index)
    sums.set(index, before === undefined ? (values[i] ?? 0) : round(before + (values[i] ?? 0)))
  }
  return [...sums].sort(([a], [b]) => a - b)
}

/** @throws RangeError where an index leads out of the matrix: what is read of a file or a kernel is not trusted */
export function checkIndices(indices: NumberArray, limit: number): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] ?? 0
    if (!(index >= 0 && index < limit)) throw new RangeError(`index ${index} of ${limit}`)
  }
}

/** A block as the kernel sends it: values, then pointers and indices. @throws RangeError where it is not whole */
export function decodeBlock(head: BlockAnswer, body: Uint8Array, layout: Layout): Block {
  const { form, major, start, end, nnz, dtype } = head
  const wide = dtype === 'f8'
  const valueBytes = nnz * (wide ? 8 : 4)
  const pointerCount = form === 'sparse' ? end - start + 1 : 0
  const bytes = valueBytes + (form === 'sparse' ? (pointerCount + nnz) * 4 : 0)
  const [majors, width] = major === 'rows' ? [layout.cells, layout.genes] : [layout.genes, layout.cells]
  const isWhole = body.length === bytes && start < end && end <= majors && major === layout.major
  if (!isWhole || (form === 'dense' && nnz !== (end - start) * width)) throw new RangeError('the block is not whole')
  // From an own buffer, since typed arrays may not begin at an odd place of a larger one.
  const { buffer } = new Uint8Array(body)
  const values = wide ? new Float64Array(buffer, 0, nnz) : new Float32Array(buffer, 0, nnz)
  if (form === 'dense') return { form, major, start, end, width, values }
  const pointers = new Uint32Array(buffer, valueBytes, pointerCount)
  const indices = new Uint32Array(buffer, valueBytes + pointerCount * 4, nnz)
  if (pointers[0] !== 0 || pointers[pointerCount - 1] !== nnz) throw new RangeError('the pointers do not fit')
  for (let i = 1; i < pointerCount; i++) {
    if ((pointers[i] ?? 0) < (pointers[i - 1] ?? 0)) throw new RangeError('the pointers fall')
  }
  checkIndices(indices, width)
  return { form, major, start, end, pointers, indices, values }
}
