import { DataError } from '../data-source.ts'
import type { NumberArray, StoredArray, StoredGroup, Turn } from '../stored-tree.ts'
import { checkIntegers, checkNumbers, readIntegers } from './blocks.ts'
import { lengthOf, listIn } from './element.ts'

/** A compressed matrix as it is stored: `indices` and `data` of `stored` values, `indptr` where rows or columns begin. */
export type SparseParts = {
  data: StoredArray
  indices: StoredArray
  indptr: StoredArray
  path: string
  stored: number
}

/** @param major the number of rows (CSR) or columns (CSC). @throws DataError `malformed` where lengths do not fit */
export async function openSparseParts(group: StoredGroup, major: number): Promise<SparseParts> {
  const indptr = await listIn(group, 'indptr', major + 1)
  const indices = await listIn(group, 'indices', null)
  const stored = lengthOf(indices)
  const data = await listIn(group, 'data', stored)
  checkIntegers(indices)
  checkNumbers(data)
  return { data, indices, indptr, path: group.path, stored }
}

/**
 * Where each row (or column) begins among the stored values.
 * @throws DataError `malformed` where they do not begin at 0, fall, or do not end at the number of values
 */
export async function readPointers({ indptr, path, stored }: SparseParts, turn: Turn): Promise<NumberArray> {
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
