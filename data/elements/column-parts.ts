import { DataError } from '../data-source.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from '../stored-tree.ts'
import { isWhole } from '../values/value-type.ts'
import { readFloats, readIntegers, readTexts } from './blocks.ts'
import {
  checkEncoding,
  checkList,
  encodingOf,
  flagAttribute,
  lengthOf,
  listIn,
  listOrValuesIn,
  missingPart,
} from './element.ts'
import { numberText, numberTexts } from './number-text.ts'

/** One value per row: the values, or codes with categories, which stood in several places over the years. */
export type ColumnParts =
  | { kind: 'values'; array: StoredArray; mask: StoredArray | null }
  | { kind: 'codes'; codes: StoredArray; categories: StoredArray; ordered: boolean }

/** @throws DataError where there is none of that name */
export async function columnNode(group: StoredGroup, name: string): Promise<StoredNode> {
  const node = await group.get(name)
  if (node === null) throw await missingPart(group, name)
  return node
}

/**
 * A column or an index of a table.
 * @param length the number of rows, `null` where this column is what says it
 * @throws DataError where it is not one value per row, in an encoding that is known
 */
export async function openColumn(node: StoredNode, length: number | null): Promise<ColumnParts> {
  checkEncoding(node)
  return node.kind === 'array'
    ? { kind: 'values', array: checkList(node, length), mask: null }
    : openColumnGroup(node, length)
}

/** Of a column of several arrays the one that tells its kind: a table may have thousands of columns. */
export async function openTellingPart(
  group: StoredGroup,
): Promise<{ kind: 'codes'; categories: StoredArray } | Extract<ColumnParts, { kind: 'values' }>> {
  checkEncoding(group)
  const encoding = encodingOf(group)
  if (encoding === 'categorical') return { kind: 'codes', categories: await listOrValuesIn(group, 'categories') }
  if (encoding.startsWith('nullable-')) {
    const array = await listIn(group, 'values', null)
    // Of numbers the type says all.
    return {
      kind: 'values',
      array,
      mask: array.type.kind === 'text' ? await listIn(group, 'mask', lengthOf(array)) : null,
    }
  }
  return openColumnGroup(group, null)
}

async function openColumnGroup(group: StoredGroup, length: number | null): Promise<ColumnParts> {
  const encoding = encodingOf(group)
  if (encoding === 'categorical') {
    const categories = await listOrValuesIn(group, 'categories')
    const codes = await listIn(group, 'codes', length)
    return { kind: 'codes', codes, categories, ordered: flagAttribute(group.attributes, 'ordered') }
  }
  if (encoding.startsWith('nullable-')) {
    const array = await listIn(group, 'values', length)
    return { kind: 'values', array, mask: await listIn(group, 'mask', lengthOf(array)) }
  }
  throw new DataError('unsupported', `${group.path} is a group of arrays, not one value per row.`)
}

/** The number of rows. */
export function rowCountOf(parts: ColumnParts): number {
  return lengthOf(parts.kind === 'codes' ? parts.codes : parts.array)
}

/** A column as texts, for names and labels; a missing one is `null`. */
export class ColumnTexts {
  readonly #parts: ColumnParts
  #categories: readonly string[] | null = null

  constructor(parts: ColumnParts) {
    this.#parts = parts
  }

  async read(rows: readonly [number, number], turn: Turn): Promise<(string | null)[]> {
    const parts = this.#parts
    if (parts.kind === 'codes') return this.#readCodes(parts, rows, turn)
    const texts = await arrayTexts(parts.array, rows, turn)
    if (parts.mask === null) return texts
    const mask = await readFloats(parts.mask, [rows], turn)
    return texts.map((text, row) => (mask[row] === 0 ? text : null))
  }

  /** Of a name for each cell there are as many categories as cells: they are read once. */
  async #readCodes(
    { codes, categories }: Extract<ColumnParts, { kind: 'codes' }>,
    rows: readonly [number, number],
    turn: Turn,
  ): Promise<(string | null)[]> {
    this.#categories ??= await arrayTexts(categories, [0, lengthOf(categories)], turn)
    const found = await readIntegers(codes, rows, turn)
    const texts: (string | null)[] = []
    for (let row = 0; row < found.length; row++) {
      const code = found[row] ?? -1
      if (code >= this.#categories.length || code < -1) {
        const place = `${codes.path} says ${code} at row ${rows[0] + row}`
        throw new DataError('malformed', `${place}, but there are ${this.#categories.length} categories.`)
      }
      texts.push(code === -1 ? null : (this.#categories[code] ?? ''))
    }
    return texts
  }
}

/** Values of any kind as Python prints them. */
export async function arrayTexts(array: StoredArray, rows: readonly [number, number], turn: Turn): Promise<string[]> {
  checkEncoding(array)
  if (array.shape.length === 0) return readScalar(array)
  return array.type.kind === 'text' ? readTexts(array, rows, turn) : numberTexts(array, rows, turn)
}

/** A lone category, as anndata 0.6 wrote it. */
async function readScalar(array: StoredArray): Promise<string[]> {
  if (array.type.kind === 'text' || isWhole(array.type)) return array.texts([])
  const texts: string[] = []
  await array.visit([], (block) => texts.push(...Array.from(block, numberText(array.type))))
  return texts
}

/** True for a list, or the single value that a list of one was written as. */
export function isListOfCategories(node: StoredNode | null): node is StoredArray {
  return node?.kind === 'array' && node.shape.length <= 1
}
