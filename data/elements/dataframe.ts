import type { Values } from '../../protocol/column-frame.ts'
import type { Description, ObsArray } from '../anndata/anndata-reader.ts'
import { DataError, type Rows } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from '../stored-tree.ts'
import { isRounded, type Positions, ROUNDED_NOTE } from '../values/value-type.ts'
import { eachBlock, readDigits, readFloats, readPositions, readTexts, readValues } from './blocks.ts'
import { booleanCodes, codesOfDigits, codesOfTexts, MAX_CATEGORIES, readCodes } from './categories.ts'
import {
  arrayTexts,
  type ColumnParts,
  ColumnTexts,
  columnNode,
  isListOfCategories,
  openColumn,
  openTellingPart,
  rowCountOf,
} from './column-parts.ts'
import {
  checkEncoding,
  checkList,
  encodingOf,
  flagAttribute,
  lengthOf,
  RECORDS,
  textAttribute,
  textsAttribute,
} from './element.ts'
import { areClearlyCategories, areIdentifiers, sampledRuns, sampleOf } from './text-sample.ts'

type ObsField = Description['obs'][number]
type Kind = Pick<ObsField, 'kind' | 'reason'>

/** Categories that stand outside of the table, as before anndata 0.7. */
type OutsideCategories = (key: string) => Promise<StoredArray | null>

/** Names of rows where a table does not say which column holds them: anndata's own, R's, SeuratDisk's for genes. */
const INDEX_NAMES = ['_index', 'index', '_rownames', 'features', 'feature_names', 'cells']

/** What a missing name is called, as anndata does. */
const MISSING_NAME = 'nan'

/** A table (obs, var, raw.var): a group with one child per column, one of which is the index. */
export class DataFrame {
  readonly #group: StoredGroup
  readonly #index: ColumnParts
  readonly #names: ColumnTexts
  readonly #outsideCategories: OutsideCategories
  readonly #isOld: boolean
  readonly #columns = new Map<string, ColumnParts>()
  /** Names of columns, in the order of the table. */
  readonly columns: readonly string[]

  private constructor(
    group: StoredGroup,
    index: ColumnParts,
    { columns, outside }: { columns: readonly string[]; outside: OutsideCategories | null },
  ) {
    this.#group = group
    this.#index = index
    this.#names = new ColumnTexts(index)
    this.#outsideCategories = outside ?? (async () => null)
    this.#isOld = outside !== null
    this.columns = columns
  }

  /** Reads shapes and attributes, no values. @throws DataError `malformed`, `unsupported` */
  static async open(node: StoredNode, outside: OutsideCategories): Promise<DataFrame> {
    if (node.kind !== 'group') throw new DataError('unsupported', `${node.path} is an array where a table belongs.`)
    checkEncoding(node)
    const isOld = encodingOf(node) === RECORDS
    const named = textAttribute(node.attributes, '_index')
    const keys = await node.keys()
    const indexName = named ?? (isOld ? keys[0] : INDEX_NAMES.find((name) => keys.includes(name))) ?? '_index'
    const index = await openColumn(await columnNode(node, indexName), null)
    const order = textsAttribute(node.attributes, 'column-order')
    // A column may have the name of the index, and then its values; only the order of columns tells.
    const columns = order ?? keys.filter((key) => key !== indexName && key !== OWN_CATEGORIES)
    return new DataFrame(node, index, { columns: [...new Set(columns)], outside: isOld ? outside : null })
  }

  get length(): number {
    return rowCountOf(this.#index)
  }

  /** What kind of values a column has. Reads no column; of texts only some, to tell names from categories. */
  async field(key: string, turn: Turn): Promise<ObsField> {
    const version = ''
    try {
      return { key, version, ...(await this.#kind(key, turn)) }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      return { key, version, kind: 'unsupported', reason: error.message.replace(/\.$/, '') }
    }
  }

  async #kind(key: string, turn: Turn): Promise<Kind> {
    const node = await columnNode(this.#group, key)
    // In what encoding an array is, and whether that is known, is asked when it is read: thousands take a second.
    if (node.kind === 'array' && !(await this.#mayHoldCodes(node)))
      return arrayKind(checkList(node, this.length), null, turn)
    const part = node.kind === 'group' ? await openTellingPart(node) : await this.#column(key, turn, node)
    return part.kind === 'codes' ? countKind(lengthOf(part.categories)) : arrayKind(part.array, part.mask, turn)
  }

  async #mayHoldCodes({ type }: StoredArray): Promise<boolean> {
    if (type.kind !== 'int' && type.kind !== 'uint') return false
    return this.#isOld || (await this.#group.get(OWN_CATEGORIES)) !== null
  }

  /** One value per row. @throws DataError */
  async values(key: string, turn: Turn): Promise<ObsArray> {
    const parts = await this.#column(key, turn)
    if (parts.kind === 'codes') return readCategorical(parts, turn)
    const { array } = parts
    const mask = parts.mask === null ? null : await readFloats(parts.mask, [[0, this.length]], turn)
    return array.type.kind === 'text' ? readTextColumn(array, mask, turn) : readNumberColumn(array, mask, turn)
  }

  /** A column of numbers, for places of cells: NaN is missing. @throws DataError */
  async positions(key: string, rows: Rows, turn: Turn): Promise<Positions> {
    const parts = await this.#column(key, turn)
    if (parts.kind === 'codes') throw new DataError('unsupported', `The column ${quoted(key)} holds no numbers.`)
    const range = [rows.start, rows.end] as const
    const values = await readPositions(parts.array, [range], turn)
    const mask = parts.mask === null ? null : await readFloats(parts.mask, [range], turn)
    for (let i = 0; i < (mask?.length ?? 0); i++) if (mask?.[i] !== 0) values[i] = Number.NaN
    return values
  }

  /** A column as texts, the index for `null`: names and labels. A missing label is empty. */
  async texts(key: string | null, rows: readonly [number, number], turn: Turn): Promise<string[]> {
    const missing = key === null ? MISSING_NAME : ''
    const texts = key === null ? this.#names : new ColumnTexts(await this.#column(key, turn))
    return (await texts.read(rows, turn)).map((text) => text ?? missing)
  }

  /** @throws DataError where it is not one value per row, in an encoding that is known */
  async #column(key: string, turn: Turn, node?: StoredNode): Promise<ColumnParts> {
    const known = this.#columns.get(key)
    if (known !== undefined) return known
    const opened = await openColumn(node ?? (await columnNode(this.#group, key)), this.length)
    const parts = opened.kind === 'values' && opened.mask === null ? await this.#categorised(key, opened, turn) : opened
    this.#columns.set(key, parts)
    return parts
  }

  /** Before anndata 0.8 a column of codes was a plain array, and its categories stood elsewhere. */
  async #categorised(key: string, values: Extract<ColumnParts, { kind: 'values' }>, turn: Turn): Promise<ColumnParts> {
    const { array } = values
    if (array.type.kind !== 'int' && array.type.kind !== 'uint') return values
    const own = await this.#group.get(OWN_CATEGORIES)
    const inside = own?.kind === 'group' ? await own.get(key) : null
    const categories = isListOfCategories(inside) ? inside : await this.#outsideCategories(key)
    if (categories === null) return values
    // Anybody may have put a list of that name there; anndata believes it where each code has its category.
    if (categories !== inside && (await maximum(array, turn)) >= lengthOf(categories)) return values
    return { kind: 'codes', codes: array, categories, ordered: flagAttribute(categories.attributes, 'ordered') }
  }
}

async function maximum(array: StoredArray, turn: Turn): Promise<number> {
  let found = Number.NEGATIVE_INFINITY
  await eachBlock(array, [[0, lengthOf(array)]], turn, (block) => {
    for (let i = 0; i < block.length; i++) found = Math.max(found, block[i] ?? 0)
  })
  return found
}

/** Where anndata 0.7 kept the categories of a table's columns. */
const OWN_CATEGORIES = '__categories'

async function arrayKind(array: StoredArray, mask: StoredArray | null, turn: Turn): Promise<Kind> {
  switch (array.type.kind) {
    case 'bool':
      return { kind: 'categorical' }
    case 'float':
    case 'int':
    case 'uint':
      return { kind: 'continuous' }
    case 'text':
      return sampleKind(array, mask, turn)
    case 'other':
      return { kind: 'unsupported', reason: reasonOf(array.type.name) }
  }
}

function reasonOf(type: string): string {
  return /^complex/.test(type)
    ? 'it holds complex numbers; store their real part or their size'
    : `its values are ${type}`
}

async function sampleKind(array: StoredArray, mask: StoredArray | null, turn: Turn): Promise<Kind> {
  const rowCount = lengthOf(array)
  let looked = 0
  const there: string[] = []
  for (const run of sampledRuns(rowCount)) {
    const texts = await readTexts(array, run, turn)
    const missing = mask === null ? null : await readFloats(mask, [run], turn)
    there.push(...(missing === null ? texts : texts.filter((_, i) => missing[i] === 0)))
    looked += texts.length
    if (areClearlyCategories(there, looked)) return { kind: 'categorical' }
  }
  return { kind: areIdentifiers(sampleOf(there, looked), rowCount) ? 'identifier' : 'categorical' }
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
  const range = [0, lengthOf(array)] as const
  if (array.type.kind === 'bool') {
    const codes = booleanCodes(await readFloats(array, [range], turn), mask)
    return { form: 'codes', codes, categories: ['False', 'True'], ordered: false, colors: null }
  }
  const values = await readValues(array, [range], turn)
  if (!isRounded(values, array.type)) return { form: 'dense', values: masked(values, mask) }
  // Doubles would lose digits: where few numbers differ they can be told apart by their texts.
  const coded = codesOfDigits(await readDigits(array, range, turn), mask)
  if (coded !== null) return { form: 'codes', ...coded, ordered: false, colors: null }
  return { form: 'dense', values: masked(values, mask), note: ROUNDED_NOTE }
}

/** With NaN where the mask is not 0; integers, which have none, become doubles for it. */
function masked(values: Values, mask: Float32Array | null): Values {
  if (mask === null || !mask.some((flag) => flag !== 0)) return values
  const hasMissing = values instanceof Float32Array || values instanceof Float64Array
  const out = hasMissing ? values : Float64Array.from(values)
  for (let i = 0; i < out.length; i++) if (mask[i] !== 0) out[i] = Number.NaN
  return out
}

function tooManyCategories(path: string, count: number): DataError {
  const found = `${path} has ${count.toLocaleString('en')} different texts`
  const limit = `at most ${MAX_CATEGORIES.toLocaleString('en')} can be told apart by colour`
  return new DataError('unsupported', `${found}; ${limit}.`)
}
