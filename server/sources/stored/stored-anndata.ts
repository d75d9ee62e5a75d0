import type { Description, GeneArray, ObsArray, ObsmEntry } from '../anndata-reader.ts'
import { rgbToHex } from '../colors.ts'
import { DataError, type Rows } from '../data-source.ts'
import { listed, quoted } from '../near-names.ts'
import { readFloats, readTexts } from './blocks.ts'
import type { BuildTarget, ColumnBlock } from './column-blocks.ts'
import { DataFrame } from './dataframe.ts'
import { encodingOf, encodingProblem, lengthOf, missingPart } from './element.ts'
import { CsrMatrix, type Matrix, type MatrixInfo, openMatrix } from './matrix.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from './stored-tree.ts'

/** The layer that has its own var. */
const RAW = 'raw'

/** Other layouts of HDF5, by what stands at their top. */
const OTHER_KINDS = [
  { what: 'a loom file', parts: ['matrix', 'row_attrs', 'col_attrs'], reader: 'scanpy.read_loom(path)' },
  { what: 'a matrix of counts from Cell Ranger', parts: ['matrix'], reader: 'scanpy.read_10x_h5(path)' },
] as const

/**
 * An AnnData written to a file or store: where its parts stand in the tree. Every read takes a `turn`, called between
 * blocks, and throws DataError.
 */
export class StoredAnnData {
  readonly #root: StoredGroup
  readonly #tables = new Map<string, DataFrame>()
  readonly #matrices = new Map<string, Matrix>()

  constructor(root: StoredGroup) {
    this.#root = root
  }

  async describe(version: string, turn: Turn): Promise<Description> {
    await this.#checkIsAnnData()
    const obs = await this.#table('obs')
    const varTable = await this.#table('var')
    checkCount(obs.length, 'obs', 'cells')
    checkCount(varTable.length, 'var', 'genes')
    const fields: Description['obs'] = []
    for (const key of obs.columns) {
      await turn()
      fields.push({ ...(await obs.field(key, turn)), version })
    }
    const obsm = await this.#describeObsm(obs.length, version)
    return {
      nObs: obs.length,
      nVar: varTable.length,
      version,
      obs: fields,
      obsm,
      varColumns: [...varTable.columns],
      layers: [...(await this.#layerNames())],
      hasX: await this.#has('X'),
      rawVar: (await this.#hasRaw()) ? (await this.#table('raw/var')).length : null,
      notes: obsm.flatMap(({ key, reason }) =>
        reason === undefined ? [] : [`obsm ${quoted(key)} is not drawn: ${reason}.`],
      ),
    }
  }

  async obsm(key: string, columns: number, rows: Rows, turn: Turn): Promise<Float32Array> {
    const group = await this.#group('obsm')
    const node = (await group?.get(key)) ?? null
    if (node === null) throw await missingPart(group ?? this.#root, key)
    if (node.kind !== 'array') throw new DataError('unsupported', `${node.path} is no array of coordinates.`)
    const window = node.shape.length === 1 ? [] : [[0, columns] as const]
    return readFloats(node, [[rows.start, rows.end], ...window], turn)
  }

  async obs(key: string, turn: Turn): Promise<ObsArray> {
    const array = await (await this.#table('obs')).values(key, turn)
    return array.form === 'codes' ? { ...array, colors: await this.#colors(key, turn) } : array
  }

  async gene(index: number, layer: string | null, turn: Turn): Promise<GeneArray> {
    return (await this.#matrix(layer)).column(index, turn)
  }

  async matrixInfo(layer: string | null): Promise<MatrixInfo> {
    return (await this.#matrix(layer)).info
  }

  /** Of a matrix that is stored by rows, the rows from `startRow` on. */
  async geneFrom(index: number, layer: string | null, startRow: number, turn: Turn): Promise<GeneArray> {
    return (await this.#csrMatrix(layer)).columnFrom(index, startRow, turn)
  }

  /** Sort a matrix that is stored by rows by its genes, into a file. */
  async buildColumns(
    layer: string | null,
    target: BuildTarget,
    done: (block: ColumnBlock) => void,
    turn: Turn,
  ): Promise<void> {
    await (await this.#csrMatrix(layer)).build(target, done, turn)
  }

  async varNames(column: string | null, layer: string | null, turn: Turn): Promise<string[]> {
    const table = await this.#table(layer === RAW ? 'raw/var' : 'var')
    return table.texts(column, [0, table.length], turn)
  }

  async obsNames(rows: Rows, turn: Turn): Promise<string[]> {
    return (await this.#table('obs')).texts(null, [rows.start, rows.end], turn)
  }

  /** @throws DataError `unsupported` for a file of another kind that single-cell people have, with how to read it */
  async #checkIsAnnData(): Promise<void> {
    if (encodingOf(this.#root) === 'MuData') throw await this.#severalDatasets()
    const names = (await this.#has('obs')) ? [] : await this.#root.keys()
    const other = OTHER_KINDS.find(({ parts }) => parts.every((part) => names.includes(part)))
    if (other === undefined) return
    const advice = `Read it with ${other.reader}, compute an embedding, and pass the AnnData to show_anndata`
    throw new DataError('unsupported', `This is ${other.what}, and no AnnData. ${advice}.`)
  }

  /** A MuData holds several AnnData. */
  async #severalDatasets(): Promise<DataError> {
    const names = (await (await this.#group('mod'))?.keys()) ?? []
    const advice = `Read it with mudata, and show one of them: show_anndata(mdata[${quoted(names[0] ?? 'rna')}])`
    return new DataError('unsupported', `This is a MuData of ${names.length} datasets: ${listed(names)}. ${advice}.`)
  }

  async #describeObsm(nObs: number, version: string): Promise<ObsmEntry[]> {
    const group = await this.#group('obsm')
    const entries: ObsmEntry[] = []
    if (group === null) return entries
    for (const key of await group.keys()) {
      entries.push({ key, version, ...(await describeEntry(group, key, nObs)) })
    }
    return entries
  }

  async #layerNames(): Promise<readonly string[]> {
    return (await (await this.#group('layers'))?.keys()) ?? []
  }

  async #colors(key: string, turn: Turn): Promise<string[] | null> {
    const found = await (await this.#group('uns'))?.get(`${key}_colors`)
    const node = found?.kind === 'group' ? await found.get('values') : found
    if (node?.kind !== 'array') return null
    if (node.type.kind === 'text') return node.shape.length === 1 ? readTexts(node, [0, lengthOf(node)], turn) : null
    const [count = 0, parts = 0] = node.shape
    if (node.shape.length !== 2 || parts < 3 || parts > 4 || count > MAX_COLORS) return null
    const numbers = await readFloats(
      node,
      [
        [0, count],
        [0, parts],
      ],
      turn,
    )
    return Array.from({ length: count }, (_, i) => rgbToHex([...numbers.subarray(i * parts, (i + 1) * parts)]))
  }

  async #matrix(layer: string | null): Promise<Matrix> {
    const path = layer === null ? 'X' : layer === RAW ? await this.#rawPath('X') : `layers/${layer}`
    const kept = this.#matrices.get(path)
    if (kept !== undefined) return kept
    const columns = (await this.#table(layer === RAW ? 'raw/var' : 'var')).length
    const matrix = await openMatrix(await this.#at(path), [(await this.#table('obs')).length, columns])
    this.#matrices.set(path, matrix)
    return matrix
  }

  async #csrMatrix(layer: string | null): Promise<CsrMatrix> {
    const matrix = await this.#matrix(layer)
    if (matrix instanceof CsrMatrix) return matrix
    throw new DataError('unsupported', 'Only a matrix that is stored by rows is read from a row on.')
  }

  async #table(name: 'obs' | 'var' | 'raw/var'): Promise<DataFrame> {
    const kept = this.#tables.get(name)
    if (kept !== undefined) return kept
    const node = await this.#at(name === 'raw/var' ? await this.#rawPath('var') : name)
    const table = await DataFrame.open(node, (key) => this.#oldCategories(key))
    this.#tables.set(name, table)
    return table
  }

  /** Before anndata 0.7 raw was no group: its parts stood at the top. */
  async #rawPath(part: 'X' | 'var'): Promise<string> {
    return (await this.#root.get(RAW)) === null ? `raw.${part}` : `raw/${part}`
  }

  async #hasRaw(): Promise<boolean> {
    return this.#has(await this.#rawPath('X'))
  }

  /** Also true of what cannot be read: the rest of the dataset can, and reading it says why. */
  async #has(path: string): Promise<boolean> {
    try {
      return (await this.#root.get(path)) !== null
    } catch (error) {
      if (error instanceof DataError) return true
      throw error
    }
  }

  /** Before anndata 0.7 a table held codes only. */
  async #oldCategories(key: string): Promise<StoredArray | null> {
    const node = await this.#root.get(`uns/${key}_categories`)
    return node?.kind === 'array' ? node : null
  }

  /** @throws DataError `malformed` naming what there is instead */
  async #at(path: string): Promise<StoredNode> {
    const node = await this.#root.get(path)
    if (node === null) throw await missingPart(this.#root, path)
    return node
  }

  async #group(name: string): Promise<StoredGroup | null> {
    const node = await this.#root.get(name)
    return node?.kind === 'group' ? node : null
  }
}

const MAX_COLORS = 65_534
/** One column of float32 is then 1 GiB. */
const MAX_COUNT = 2 ** 28

function checkCount(count: number, table: string, what: string): void {
  if (count <= MAX_COUNT) return
  const found = `${table} says ${count.toLocaleString('en')} ${what}`
  throw new DataError('too_large', `${found}; at most ${MAX_COUNT.toLocaleString('en')} can be shown.`)
}

async function describeEntry(
  group: StoredGroup,
  key: string,
  nObs: number,
): Promise<Pick<ObsmEntry, 'columns' | 'rows' | 'reason'>> {
  const node = await childOrReason(group, key)
  if (typeof node === 'string') return { columns: 0, reason: node }
  if (node.kind === 'group') {
    return { columns: 0, reason: encodingProblem(node) ?? `its encoding "${encodingOf(node)}" cannot be drawn` }
  }
  const [rows = 0, columns = 1] = node.shape
  const shape = rows === nObs ? { columns } : { columns, rows }
  if (node.type.kind === 'text' || node.type.kind === 'other') {
    return { ...shape, reason: `its values are ${node.type.kind === 'text' ? 'texts' : node.type.name}` }
  }
  if (node.shape.length < 1 || node.shape.length > 2) {
    return { ...shape, reason: `its shape (${node.shape.join(', ')}) is no table of coordinates` }
  }
  return shape
}

/** A damaged or forbidden entry must not close the others. */
async function childOrReason(group: StoredGroup, key: string): Promise<StoredNode | string> {
  try {
    return (await group.get(key)) ?? `${quoted(key)} cannot be found`
  } catch (error) {
    if (error instanceof DataError) return error.message.replace(/\.$/, '')
    throw error
  }
}
