import type { Description, ObsArray } from '../anndata-reader.ts'
import { DataError } from '../data-source.ts'
import { readFloats, readTexts } from './blocks.ts'
import { booleanCodes, codesOfTexts, MAX_CATEGORIES, readCodes } from './categories.ts'
import {
  checkEncoding,
  checkList,
  encodingOf,
  encodingProblem,
  flagAttribute,
  lengthOf,
  listIn,
  missingPart,
  textAttribute,
  textsAttribute,
} from './element.ts'
import { numberTexts } from './number-text.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from './stored-tree.ts'

type ObsField = Description['obs'][number]

/** A table (obs, var, raw.var): a group with one child per column, one of which is the index. */
export class DataFrame {
  readonly #group: StoredGroup
  readonly #indexName: string
  /** Names of columns, in the order of the table. */
  readonly columns: readonly string[]
  readonly length: number

  private constructor(group: StoredGroup, indexName: string, columns: readonly string[], length: number) {
    this.#group = group
    this.#indexName = indexName
    this.columns = columns
    this.length = length
  }

  /** Reads shapes and attributes, no values. @throws DataError `malformed`, `unsupported` */
  static async open(node: StoredNode): Promise<DataFrame> {
    if (node.kind !== 'group') {
      throw new DataError('unsupported', `${node.path} is stored as one array of records (anndata 0.6 or older).`)
    }
    checkEncoding(node)
    const indexName = textAttribute(node.attributes, '_index') ?? '_index'
    const index = await columnArray(node, indexName)
    if (index === null) throw await missingPart(node, indexName)
    const keys = textsAttribute(node.attributes, 'column-order') ?? (await node.keys())
    const columns = [...new Set(keys)].filter((key) => key !== indexName && key !== '__categories')
    return new DataFrame(node, indexName, columns, lengthOf(index))
  }

  /** What kind of values a column has. Reads no column; of texts only the first few, to tell names from categories. */
  async field(key: string, turn: Turn): Promise<ObsField> {
    const version = ''
    try {
      const node = await this.#column(key)
      const found = await kindOf(node, this.length, turn)
      return { key, version, ...found }
    } catch (error) {
      if (error instanceof DataError && error.code !== 'changed' && error.code !== 'closed') {
        return { key, kind: 'unsupported', reason: bareSentence(error.message), version }
      }
      throw error
    }
  }

  /** The number of categories, where that is known without reading codes. */
  async categoryCount(key: string): Promise<number | null> {
    const node = await this.#column(key)
    if (node.kind === 'array') return node.type.kind === 'bool' ? 2 : null
    if (encodingOf(node) === 'nullable-boolean') return 2
    const categories = await node.get('categories')
    return categories?.kind === 'array' ? lengthOf(categories) : null
  }

  /** One value per row. @throws DataError */
  async values(key: string, turn: Turn): Promise<ObsArray> {
    return readColumn(await this.#column(key), this.length, turn)
  }

  /** A column as texts, the index for `null`; for names. */
  async texts(key: string | null, rows: readonly [number, number], turn: Turn): Promise<string[]> {
    if (key !== null) return columnTexts(await this.#column(key), this.length, rows, turn)
    const index = await columnArray(this.#group, this.#indexName)
    if (index === null) throw await missingPart(this.#group, this.#indexName)
    return arrayTexts(checkList(index, this.length), rows, turn)
  }

  async #column(key: string): Promise<StoredNode> {
    const node = await this.#group.get(key)
    if (node === null) throw await missingPart(this.#group, key)
    checkEncoding(node)
    return node
  }
}

/** An index may be a plain list or, since pandas has nullable strings, a group of values and mask. */
async function columnArray(group: StoredGroup, name: string): Promise<StoredArray | null> {
  const node = await group.get(name)
  if (node?.kind === 'group') return listIn(node, 'values', null)
  return node
}

async function kindOf(node: StoredNode, length: number, turn: Turn): Promise<Pick<ObsField, 'kind' | 'reason'>> {
  const problem = encodingProblem(node)
  if (problem !== null) return { kind: 'unsupported', reason: problem }
  if (node.kind === 'array') return arrayKind(checkList(node, length), turn)
  switch (encodingOf(node)) {
    case 'categorical': {
      checkList(await listIn(node, 'codes', length), length)
      return countKind(lengthOf(await listIn(node, 'categories', null)))
    }
    case 'nullable-integer':
      return arrayKind(await listIn(node, 'values', length), turn)
    case 'nullable-boolean':
      await listIn(node, 'values', length)
      return { kind: 'categorical' }
    case 'nullable-string-array':
      return arrayKind(await listIn(node, 'values', length), turn)
    default:
      return { kind: 'unsupported', reason: `its encoding "${encodingOf(node)}" holds no single value per cell` }
  }
}

async function arrayKind(array: StoredArray, turn: Turn): Promise<Pick<ObsField, 'kind' | 'reason'>> {
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

async function sampleKind(array: StoredArray, turn: Turn): Promise<Pick<ObsField, 'kind' | 'reason'>> {
  const texts = await readTexts(array, [0, Math.min(SAMPLED_TEXTS, lengthOf(array))], turn)
  const isMostlyUnique = new Set(texts).size > Math.max(texts.length / 2, FEW_TEXTS)
  return { kind: isMostlyUnique ? 'identifier' : 'categorical' }
}

function countKind(categories: number): Pick<ObsField, 'kind' | 'reason'> {
  if (categories <= MAX_CATEGORIES) return { kind: 'categorical' }
  return { kind: 'identifier', reason: `${categories.toLocaleString('en')} categories are too many to colour by` }
}

async function readColumn(node: StoredNode, length: number, turn: Turn): Promise<ObsArray> {
  if (node.kind === 'array') return readArray(checkList(node, length), null, turn)
  if (encodingOf(node) === 'categorical') {
    const categories = await listIn(node, 'categories', null)
    if (lengthOf(categories) > MAX_CATEGORIES) throw tooManyCategories(node.path, lengthOf(categories))
    const names = await arrayTexts(categories, [0, lengthOf(categories)], turn)
    const codes = await readCodes(await listIn(node, 'codes', length), names.length, turn)
    return { form: 'codes', codes, categories: names, ordered: flagAttribute(node.attributes, 'ordered'), colors: null }
  }
  const mask = await readMask(node, length, turn)
  return readArray(await listIn(node, 'values', length), mask, turn)
}

/** 1 where a nullable value is missing. */
async function readMask(group: StoredGroup, length: number, turn: Turn): Promise<Float32Array> {
  return readFloats(await listIn(group, 'mask', length), [[0, length]], turn)
}

async function readArray(array: StoredArray, mask: Float32Array | null, turn: Turn): Promise<ObsArray> {
  const length = lengthOf(array)
  if (array.type.kind === 'text') {
    const texts = await readTexts(array, [0, length], turn)
    const coded = codesOfTexts(texts, mask)
    if (coded === null) throw tooManyCategories(array.path, new Set(texts).size)
    return { form: 'codes', ...coded, ordered: false, colors: null }
  }
  const values = await readFloats(array, [[0, length]], turn)
  if (array.type.kind === 'bool') {
    const codes = booleanCodes(values, mask)
    return { form: 'codes', codes, categories: ['False', 'True'], ordered: false, colors: null }
  }
  if (mask !== null) for (let i = 0; i < length; i++) if (mask[i] !== 0) values[i] = Number.NaN
  return { form: 'dense', values }
}

/** Values of a column as texts: for labels of genes, which may be categories or numbers. */
async function columnTexts(
  node: StoredNode,
  length: number,
  rows: readonly [number, number],
  turn: Turn,
): Promise<string[]> {
  if (node.kind === 'array') return arrayTexts(checkList(node, length), rows, turn)
  if (encodingOf(node) === 'categorical') {
    const column = await readColumn(node, length, turn)
    if (column.form === 'codes') {
      return Array.from(column.codes.subarray(...rows), (code) => column.categories[code] ?? '')
    }
  }
  return arrayTexts(await listIn(node, 'values', length), rows, turn)
}

async function arrayTexts(array: StoredArray, rows: readonly [number, number], turn: Turn): Promise<string[]> {
  checkEncoding(array)
  return array.type.kind === 'text' ? readTexts(array, rows, turn) : numberTexts(array, rows, turn)
}

function tooManyCategories(path: string, count: number): DataError {
  const found = `${path} has ${count.toLocaleString('en')} different texts`
  return new DataError(
    'unsupported',
    `${found}; at most ${MAX_CATEGORIES.toLocaleString('en')} can be told apart by colour.`,
  )
}

/** The reason inside a sentence: without its full stop. */
function bareSentence(message: string): string {
  return message.replace(/\.$/, '')
}
