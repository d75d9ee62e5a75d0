import type { Description, ObsArray } from '../anndata-reader.ts'
import { DataError } from '../data-source.ts'
import { readFloats, readTexts } from './blocks.ts'
import { booleanCodes, codesOfTexts, MAX_CATEGORIES, readCodes } from './categories.ts'
import {
  checkEncoding,
  checkList,
  encodingOf,
  flagAttribute,
  lengthOf,
  listIn,
  listOrValuesIn,
  missingPart,
  RECORDS,
  textAttribute,
  textsAttribute,
} from './element.ts'
import { numberTexts } from './number-text.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from './stored-tree.ts'

type ObsField = Description['obs'][number]
type Kind = Pick<ObsField, 'kind' | 'reason'>

/** One column: its values, or codes with categories, which stood in several places over the years. */
type ColumnParts =
  | { kind: 'values'; array: StoredArray; mask: StoredArray | null }
  | { kind: 'codes'; codes: StoredArray; categories: StoredArray; ordered: boolean }

/** Categories that stand outside of the table, as before anndata 0.7. */
type OutsideCategories = (key: string) => Promise<StoredArray | null>

/** A table (obs, var, raw.var): a group with one child per column, one of which is the index. */
export class DataFrame {
  readonly #group: StoredGroup
  readonly #index: StoredArray
  readonly #outsideCategories: OutsideCategories
  /** Names of columns, in the order of the table. */
  readonly columns: readonly string[]

  private constructor(group: StoredGroup, index: StoredArray, columns: readonly string[], outside: OutsideCategories) {
    this.#group = group
    this.#index = index
    this.#outsideCategories = outside
    this.columns = columns
  }

  /** Reads shapes and attributes, no values. @throws DataError `malformed`, `unsupported` */
  static async open(node: StoredNode, outside: OutsideCategories): Promise<DataFrame> {
    if (node.kind !== 'group') throw new DataError('unsupported', `${node.path} is an array where a table belongs.`)
    checkEncoding(node)
    const isOld = encodingOf(node) === RECORDS
    const keys = textsAttribute(node.attributes, 'column-order') ?? (await node.keys())
    const indexName = textAttribute(node.attributes, '_index') ?? (isOld ? (keys[0] ?? '') : '_index')
    const index = await listOrValuesIn(node, indexName)
    const columns = [...new Set(keys)].filter((key) => key !== indexName && key !== OWN_CATEGORIES)
    return new DataFrame(node, index, columns, isOld ? outside : async () => null)
  }

  get length(): number {
    return lengthOf(this.#index)
  }

  /** What kind of values a column has. Reads no column; of texts only the first few, to tell names from categories. */
  async field(key: string, turn: Turn): Promise<ObsField> {
    const version = ''
    try {
      const parts = await this.#column(key)
      if (parts.kind === 'codes') return { key, version, ...countKind(lengthOf(parts.categories)) }
      return { key, version, ...(await arrayKind(parts.array, turn)) }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      return { key, version, kind: 'unsupported', reason: error.message.replace(/\.$/, '') }
    }
  }

  /** One value per row. @throws DataError */
  async values(key: string, turn: Turn): Promise<ObsArray> {
    const parts = await this.#column(key)
    if (parts.kind === 'codes') return readCategorical(parts, turn)
    const { array } = parts
    const mask = parts.mask === null ? null : await readFloats(parts.mask, [[0, this.length]], turn)
    return array.type.kind === 'text' ? readTextColumn(array, mask, turn) : readNumberColumn(array, mask, turn)
  }

  /** A column as texts, the index for `null`: names and labels. A missing one is empty. */
  async texts(key: string | null, rows: readonly [number, number], turn: Turn): Promise<string[]> {
    const parts = key === null ? null : await this.#column(key)
    if (parts?.kind === 'codes') {
      const { codes, categories } = await readCategorical(parts, turn)
      return Array.from(codes.subarray(...rows), (code) => categories[code] ?? '')
    }
    const texts = await arrayTexts(parts?.array ?? this.#index, rows, turn)
    if (parts?.mask == null) return texts
    const mask = await readFloats(parts.mask, [rows], turn)
    return texts.map((text, row) => (mask[row] === 0 ? text : ''))
  }

  /** @throws DataError where it is not one value per row, in an encoding that is known */
  async #column(key: string): Promise<ColumnParts> {
    const node = await this.#group.get(key)
    if (node === null) throw await missingPart(this.#group, key)
    checkEncoding(node)
    if (node.kind === 'array') return this.#arrayColumn(key, checkList(node, this.length))
    const encoding = encodingOf(node)
    if (encoding === 'categorical') {
      const categories = await listOrValuesIn(node, 'categories')
      const codes = await listIn(node, 'codes', this.length)
      return { kind: 'codes', codes, categories, ordered: flagAttribute(node.attributes, 'ordered') }
    }
    if (encoding.startsWith('nullable-')) {
      const mask = await listIn(node, 'mask', this.length)
      return { kind: 'values', array: await listIn(node, 'values', this.length), mask }
    }
    throw new DataError('unsupported', `${node.path} is a group of arrays, not one value per row.`)
  }

  async #arrayColumn(key: string, array: StoredArray): Promise<ColumnParts> {
    const isCode = array.type.kind === 'int' || array.type.kind === 'uint'
    const own = isCode ? await this.#group.get(OWN_CATEGORIES) : null
    const inside = own?.kind === 'group' ? await own.get(key) : null
    const categories = inside?.kind === 'array' ? inside : isCode ? await this.#outsideCategories(key) : null
    if (categories === null) return { kind: 'values', array, mask: null }
    return { kind: 'codes', codes: array, categories, ordered: flagAttribute(categories.attributes, 'ordered') }
  }
}

/** Where anndata 0.7 kept the categories of a table's columns. */
const OWN_CATEGORIES = '__categories'

async function arrayKind(array: StoredArray, turn: Turn): Promise<Kind> {
  switch (array.type.kind) {
    case 'bool':
      return { kind: 'categorical' }
    case 'float':
    case 'int':
    case 'uint':
      return { kind: 'continuous' }
    case 'text':
      return sampleKind(array, turn)
    case 'other':
      return { kind: 'unsupported', reason: `its values are ${array.type.name}` }
  }
}

/** Texts of which most differ name cells; so many are looked at. */
const SAMPLED_TEXTS = 1000
/** A handful of different texts can be told apart, however few the cells. */
const FEW_TEXTS = 20

async function sampleKind(array: StoredArray, turn: Turn): Promise<Kind> {
  const length = lengthOf(array)
  const texts = await readTexts(array, [0, Math.min(SAMPLED_TEXTS, length)], turn)
  const different = estimateDifferent(new Set(texts).size, texts.length, length)
  const isMostlyUnique = different > Math.min(MAX_CATEGORIES, Math.max(length / 2, FEW_TEXTS))
  return { kind: isMostlyUnique ? 'identifier' : 'categorical' }
}

/** How many different texts there are in all, by how many of a sample were there before: few if many were. */
function estimateDifferent(found: number, sampled: number, length: number): number {
  if (sampled === length || found <= sampled / 2) return found
  return found === sampled ? length : sampled ** 2 / (2 * (sampled - found))
}

/** Whether so many categories can be told apart by colour. */
export function countKind(categories: number): Kind {
  if (categories <= MAX_CATEGORIES) return { kind: 'categorical' }
  return { kind: 'identifier', reason: `${categories.toLocaleString('en')} categories are too many to colour by` }
}

type CodesArray = Extract<ObsArray, { form: 'codes' }>

async function readCategorical(parts: Extract<ColumnParts, { kind: 'codes' }>, turn: Turn): Promise<CodesArray> {
  const { codes, categories, ordered } = parts
  if (lengthOf(categories) > MAX_CATEGORIES) throw tooManyCategories(categories.path, lengthOf(categories))
  const names = await arrayTexts(categories, [0, lengthOf(categories)], turn)
  return { form: 'codes', codes: await readCodes(codes, names.length, turn), categories: names, ordered, colors: null }
}

async function readTextColumn(array: StoredArray, mask: Float32Array | null, turn: Turn): Promise<ObsArray> {
  const texts = await readTexts(array, [0, lengthOf(array)], turn)
  const coded = codesOfTexts(texts, mask)
  if (coded === null) throw tooManyCategories(array.path, new Set(texts).size)
  return { form: 'codes', ...coded, ordered: false, colors: null }
}

/** @param mask 1 where a value is missing */
async function readNumberColumn(array: StoredArray, mask: Float32Array | null, turn: Turn): Promise<ObsArray> {
  const values = await readFloats(array, [[0, lengthOf(array)]], turn)
  if (array.type.kind === 'bool') {
    const codes = booleanCodes(values, mask)
    return { form: 'codes', codes, categories: ['False', 'True'], ordered: false, colors: null }
  }
  if (mask !== null) for (let i = 0; i < values.length; i++) if (mask[i] !== 0) values[i] = Number.NaN
  return { form: 'dense', values }
}

async function arrayTexts(array: StoredArray, rows: readonly [number, number], turn: Turn): Promise<string[]> {
  checkEncoding(array)
  if (array.shape.length === 0) return readScalar(array)
  return array.type.kind === 'text' ? readTexts(array, rows, turn) : numberTexts(array, rows, turn)
}

/** A lone category, as anndata 0.6 wrote it. */
async function readScalar(array: StoredArray): Promise<string[]> {
  if (array.type.kind === 'text') return array.texts([])
  const texts: string[] = []
  await array.visit([], (block) => texts.push(...Array.from(block, String)))
  return texts
}

function tooManyCategories(path: string, count: number): DataError {
  const found = `${path} has ${count.toLocaleString('en')} different texts`
  const limit = `at most ${MAX_CATEGORIES.toLocaleString('en')} can be told apart by colour`
  return new DataError('unsupported', `${found}; ${limit}.`)
}
