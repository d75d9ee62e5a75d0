import { DataError } from '../data-source.ts'
import type { StoredArray, Turn } from '../stored-tree.ts'
import { naturallySorted } from '../values/natural-order.ts'
import { eachBlock } from './blocks.ts'
import { lengthOf } from './element.ts'

/** u16 codes, the largest of which means missing. */
export const MAX_CATEGORIES = 65_534

type Codes = Uint8Array | Uint16Array

/** 254 categories fill the codes 0 to 253 of a byte; the largest code of the type means missing. */
function makeCodes(length: number, categoryCount: number): { codes: Codes; missing: number } {
  return categoryCount <= 254
    ? { codes: new Uint8Array(length), missing: 255 }
    : { codes: new Uint16Array(length), missing: 65_535 }
}

/**
 * Codes as stored (any integer type, -1 is missing) in the width of the wire.
 * @throws DataError `malformed` at the first code without a category
 */
export async function readCodes(array: StoredArray, categoryCount: number, turn: Turn): Promise<Codes> {
  if (array.type.kind !== 'int' && array.type.kind !== 'uint') {
    throw new DataError('malformed', `${array.path} holds no whole numbers, so they are no codes of categories.`)
  }
  const { codes, missing } = makeCodes(lengthOf(array), categoryCount)
  await eachBlock(array, [[0, lengthOf(array)]], turn, (block, offset) => {
    for (let i = 0; i < block.length; i++) {
      const code = block[i] ?? 0
      if (code >= categoryCount || code < -1) {
        const place = `${array.path} says ${code} at row ${offset + i}`
        throw new DataError('malformed', `${place}, but there are ${categoryCount} categories.`)
      }
      codes[offset + i] = code === -1 ? missing : code
    }
  })
  return codes
}

/** Booleans as codes of False and True. @param mask 1 where the value is missing */
export function booleanCodes(values: Float32Array, mask: Float32Array | null): Uint8Array {
  const codes = new Uint8Array(values.length)
  for (let i = 0; i < values.length; i++) codes[i] = mask !== null && mask[i] !== 0 ? 255 : values[i] === 0 ? 0 : 1
  return codes
}

type Coded = { codes: Codes; categories: string[] }

/** Texts as codes of their different values in natural order; `null` where there are too many. @param mask 1 where missing */
export function codesOfTexts(texts: readonly string[], mask: Float32Array | null): Coded | null {
  return codesInOrder(texts, mask, naturallySorted)
}

/** The same of whole numbers written as texts, in the order of the numbers. */
export function codesOfDigits(texts: readonly string[], mask: Float32Array | null): Coded | null {
  return codesInOrder(texts, mask, (categories) => {
    const numbers = Array.from(categories, BigInt).sort((a, b) => (a < b ? -1 : 1))
    return numbers.map(String)
  })
}

function codesInOrder(
  texts: readonly string[],
  mask: Float32Array | null,
  sort: (categories: Iterable<string>) => string[],
): Coded | null {
  const isMissing = (row: number) => mask !== null && mask[row] !== 0
  const seen = new Set<string>()
  texts.forEach((text, row) => {
    if (!isMissing(row)) seen.add(text)
  })
  if (seen.size > MAX_CATEGORIES) return null
  const categories = sort(seen)
  const codeOf = new Map(categories.map((category, code) => [category, code]))
  const { codes, missing } = makeCodes(texts.length, categories.length)
  texts.forEach((text, row) => {
    codes[row] = isMissing(row) ? missing : (codeOf.get(text) ?? missing)
  })
  return { codes, categories }
}
