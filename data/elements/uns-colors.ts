import type { StoredColor } from '../../protocol/pipe.ts'
import type { StoredArray, StoredNode, Turn } from '../stored-tree.ts'
import { eachBlock, readTexts } from './blocks.ts'
import { MAX_CATEGORIES } from './categories.ts'
import { encodingOf, lengthOf } from './element.ts'

/**
 * What scanpy finds when it goes through `uns["…_colors"]`: entries of a list, rows of a table, keys of a dict, letters of
 * a text.
 */
export async function readColors(node: StoredNode, turn: Turn): Promise<readonly StoredColor[]> {
  if (node.kind === 'group') {
    // Texts that may be missing are a group of values and mask.
    const values = encodingOf(node).startsWith('nullable-') ? await node.get('values') : null
    return values === null ? node.keys() : readColors(values, turn)
  }
  if (node.type.kind === 'text') {
    if (node.shape.length === 0) return [...((await node.texts([]))[0] ?? '')]
    return node.shape.length === 1 && lengthOf(node) <= MAX_CATEGORIES ? readTexts(node, [0, lengthOf(node)], turn) : []
  }
  return node.type.kind === 'other' ? [] : readRows(node, turn)
}

async function readRows(array: StoredArray, turn: Turn): Promise<readonly StoredColor[]> {
  const [count = 0, parts = 0] = array.shape
  if (array.shape.length === 0 || count > MAX_CATEGORIES || parts > MAX_PARTS) return []
  // A number alone is no colour.
  if (array.shape.length !== 2) return Array.from({ length: count }, () => null)
  const numbers: number[] = []
  const window = [[0, count] as const, [0, parts] as const]
  // In their own precision: it decides how halves are rounded.
  await eachBlock(array, window, turn, (block) => numbers.push(...block))
  return Array.from({ length: count }, (_, i) => numbers.slice(i * parts, (i + 1) * parts))
}

/** More numbers than any colour has, and few enough to read in vain. */
const MAX_PARTS = 16
