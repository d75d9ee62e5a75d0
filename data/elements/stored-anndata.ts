import type { MatrixEntry } from '../../protocol/identity.ts'
import { matrixKey, type Matrix as Place, RAW, type VarTable, varTableOf, X } from '../../protocol/matrix.ts'
import type { StoredColor } from '../../protocol/pipe.ts'
import type { Description, GeneArray, ObsArray, ObsmEntry } from '../anndata/anndata-reader.ts'
import { compareGroups, type GeneTable, type Plan } from '../compare/compare-groups.ts'
import type { Layout } from '../compare/layout.ts'
import { DataError, type Rows } from '../data-source.ts'
import type { SharedAxis, SharedModalities } from '../mudata/mudata-reader.ts'
import { quoted } from '../near-names.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn } from '../stored-tree.ts'
import { fitsFloat32, type Positions } from '../values/value-type.ts'
import { readIntegers } from './blocks.ts'
import type { BuildTarget, ColumnBlock } from './column-blocks.ts'
import { isListOfCategories } from './column-parts.ts'
import { type Coordinates, openCoordinates } from './coordinates.ts'
import { DataFrame } from './dataframe.ts'
import { encodingOf, missingPart } from './element.ts'
import { foreignTree } from './foreign-trees.ts'
import { CsrMatrix, type Matrix, type MatrixInfo, openMatrix } from './matrix.ts'
import { readColors } from './uns-colors.ts'

/** Stored values that are read and compared at once. */
const COMPARED_VALUES = 1 << 20

function isNumeric({ type }: StoredArray): boolean {
  return type.kind === 'float' || type.kind === 'int' || type.kind === 'uint'
}

/** Fields whose documents are read at once, where each has files of its own. */
const FIELDS_TOGETHER = 32

/**
 * An AnnData written to a file or store: where its parts stand in the tree. Every read takes a `turn`, called between
 * blocks, and throws DataError.
 */
export class StoredAnnData {
  readonly #root: StoredGroup
  readonly #place: string
  readonly #tables = new Map<string, DataFrame>()
  readonly #matrices = new Map<string, Matrix>()

  /** @param place the path of the file or store, for messages */
  constructor(root: StoredGroup, place: string) {
    this.#root = root
    this.#place = place
  }

  async describe(version: string, turn: Turn): Promise<Description> {
    await this.#checkIsAnnData()
    const obs = await this.#table('obs')
    const varTable = await this.#table('var')
    checkCount(obs.length, 'obs', 'cells')
    checkCount(varTable.length, 'var', 'genes')
    const fields: Description['obs'] = []
    for (let start = 0; start < obs.columns.length; start += FIELDS_TOGETHER) {
      await turn()
      const together = obs.columns.slice(start, start + FIELDS_TOGETHER)
      for (const field of await Promise.all(together.map((key) => obs.field(key, turn))))
        fields.push({ ...field, version })
    }
    const obsm = await this.#describeObsm(obs.length, version, turn)
    return {
      nObs: obs.length,
      nVar: varTable.length,
      version,
      obs: fields,
      obsm,
      defaultEmbedding: await this.#defaultEmbedding(),
      varColumns: [...varTable.columns],
      matrices: await this.#describeMatrices(varTable.length, version),
      colorCycle: null,
      notes: obsm.flatMap(({ key, reason }) =>
        reason === undefined ? [] : [`obsm ${quoted(key)} is not drawn: ${reason}.`],
      ),
    }
  }

  async obsm(key: string, columns: number, rows: Rows, turn: Turn): Promise<Positions> {
    return (await this.#coordinates(key, turn)).read(columns, rows, turn)
  }

  async obs(key: string, turn: Turn): Promise<ObsArray> {
    const array = await (await this.#table('obs')).values(key, turn)
    const colors = await this.#colors(key, turn)
    if (array.form === 'codes') return { ...array, colors }
    return colors === null ? array : { ...array, hasColors: true }
  }

  async gene(index: number, place: Place, turn: Turn): Promise<GeneArray> {
    return (await this.#matrix(place)).column(index, turn)
  }

  async matrixInfo(place: Place): Promise<MatrixInfo> {
    return (await this.#matrix(place)).info
  }

  /** Of a matrix that is stored by rows, the rows from `startRow` on. */
  async geneFrom(index: number, place: Place, startRow: number, turn: Turn): Promise<GeneArray> {
    return (await this.#csrMatrix(place)).columnFrom(index, startRow, turn)
  }

  /** Sort a matrix that is stored by rows by its genes, into a file. */
  async buildColumns(place: Place, target: BuildTarget, done: (block: ColumnBlock) => void, turn: Turn): Promise<void> {
    await (await this.#csrMatrix(place)).build(target, done, turn)
  }

  /** Two groups of cells, gene by gene, in this thread. @param progress hears the share that is done */
  async compare(place: Place, plan: Plan, progress: (done: number) => void, turn: Turn): Promise<GeneTable> {
    const matrix = await this.#matrix(place)
    const { format, rows: cells, columns: genes, stored, type } = matrix.info
    const layout: Layout = {
      major: format === 'csc' ? 'columns' : 'rows',
      cells,
      genes,
      stored,
      isWide: !fitsFloat32(type),
      logBase: await this.#logBase(),
    }
    const block = (start: number) => matrix.block(start, COMPARED_VALUES, turn)
    return compareGroups({ layout, block }, plan, { turn, progress })
  }

  /** What `sc.pp.log1p` wrote down; `null` is the natural logarithm. */
  async #logBase(): Promise<number | null> {
    const uns = await this.#group('uns')
    const log1p = (await uns?.get('log1p')) ?? null
    const node = log1p?.kind === 'group' ? await log1p.get('base') : null
    if (node?.kind !== 'array' || !isNumeric(node) || node.shape.length > 0) return null
    let base: number | null = null
    await node.visit([], (block) => {
      base = Number(block[0])
    })
    return base
  }

  async varNames(column: string | null, name: VarTable, turn: Turn): Promise<string[]> {
    const table = await this.#varTable(name)
    return table.texts(column, [0, table.length], turn)
  }

  async obsNames(rows: Rows, turn: Turn): Promise<string[]> {
    return (await this.#table('obs')).texts(null, [rows.start, rows.end], turn)
  }

  /** Where this is a MuData, what it is made of, in its own order. */
  async modalities(): Promise<SharedModalities | null> {
    if (!isMuData(this.#root)) return null
    const group = await this.#group('mod')
    const found = (await group?.keys()) ?? []
    const order = modalityOrder(group)
    const axis = Number(this.#root.attributes.get('axis') ?? 0)
    return { names: [...new Set([...order, ...found])].filter((name) => found.includes(name)), axis: asAxis(axis) }
  }

  /** For each cell of a MuData its row in the modality plus one, or 0 where it lacks the cell; `null`: it does not say. */
  async cellMap(modality: string, turn: Turn): Promise<Uint32Array | null> {
    const node = (await (await this.#group('obsmap'))?.get(modality)) ?? null
    const { length } = await this.#table('obs')
    if (node?.kind === 'array' && node.shape.length === 1 && node.shape[0] === length) {
      return Uint32Array.from(await readIntegers(node, [0, length], turn))
    }
    return null
  }

  /** @throws DataError `unsupported` for a file of another kind that single-cell people have, with how to read it */
  async #checkIsAnnData(): Promise<void> {
    if (await this.#has('obs')) return
    const foreign = await foreignTree(this.#root, this.#place)
    if (foreign !== null) throw foreign
  }

  async #describeObsm(nObs: number, version: string, turn: Turn): Promise<ObsmEntry[]> {
    const entries: ObsmEntry[] = []
    // Under the name of a modality a MuData keeps which cells it has.
    const memberships = isMuData(this.#root) ? ((await (await this.#group('mod'))?.keys()) ?? []) : []
    for (const key of (await (await this.#group('obsm'))?.keys()) ?? []) {
      if (memberships.includes(key)) continue
      await turn()
      entries.push({ key, version, ...(await this.#describeEntry(key, nObs, turn)) })
    }
    return entries
  }

  /** A damaged or forbidden entry must not close the others. */
  async #describeEntry(key: string, nObs: number, turn: Turn): Promise<ReturnType<typeof entryOf>> {
    try {
      return entryOf(await this.#coordinates(key, turn), nObs)
    } catch (error) {
      if (error instanceof DataError) return { columns: 0, reason: error.message.replace(/\.$/, '') }
      throw error
    }
  }

  async #coordinates(key: string, turn: Turn): Promise<Coordinates> {
    const group = await this.#group('obsm')
    const node = (await group?.get(key)) ?? null
    if (node === null) throw await missingPart(group ?? this.#root, key)
    return openCoordinates(node, turn)
  }

  /** CELLxGENE's schema has datasets name the embedding to show first. */
  async #defaultEmbedding(): Promise<string | null> {
    try {
      const node = (await (await this.#group('uns'))?.get('default_embedding')) ?? null
      if (node?.kind !== 'array' || node.type.kind !== 'text' || node.shape.length > 0) return null
      return (await node.texts([])).at(0) ?? null
    } catch (error) {
      if (error instanceof DataError) return null
      throw error
    }
  }

  async #describeMatrices(genes: number, version: string): Promise<MatrixEntry[]> {
    const layers = (await (await this.#group('layers'))?.keys()) ?? []
    return [
      ...((await this.#has('X')) ? [{ matrix: X, genes, version }] : []),
      ...((await this.#has(await this.#rawPath('X')))
        ? [{ matrix: RAW, genes: (await this.#varTable('raw')).length, version }]
        : []),
      ...layers.map((layer): MatrixEntry => ({ matrix: { in: 'layers', layer }, genes, version })),
    ]
  }

  async #colors(key: string, turn: Turn): Promise<readonly StoredColor[] | null> {
    const node = (await (await this.#group('uns'))?.get(`${key}_colors`)) ?? null
    return node === null ? null : readColors(node, turn)
  }

  async #matrix(place: Place): Promise<Matrix> {
    const path = place.in === 'raw' ? await this.#rawPath('X') : matrixKey(place)
    const kept = this.#matrices.get(path)
    if (kept !== undefined) return kept
    const columns = (await this.#varTable(varTableOf(place))).length
    const matrix = await openMatrix(await this.#at(path), [(await this.#table('obs')).length, columns])
    this.#matrices.set(path, matrix)
    return matrix
  }

  async #csrMatrix(place: Place): Promise<CsrMatrix> {
    const matrix = await this.#matrix(place)
    if (matrix instanceof CsrMatrix) return matrix
    throw new DataError('unsupported', 'Only a matrix that is stored by rows is read from a row on.')
  }

  #varTable(name: VarTable): Promise<DataFrame> {
    return this.#table(name === 'raw' ? 'raw/var' : 'var')
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
    return (await this.#root.get('raw')) === null ? `raw.${part}` : `raw/${part}`
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
    return isListOfCategories(node) ? node : null
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

/** One column of float32 is then 1 GiB. */
const MAX_COUNT = 2 ** 28

function checkCount(count: number, table: string, what: string): void {
  if (count <= MAX_COUNT) return
  const found = `${table} says ${count.toLocaleString('en')} ${what}`
  throw new DataError('too_large', `${found}; at most ${MAX_COUNT.toLocaleString('en')} can be shown.`)
}

/** @param nObs what obs says */
function entryOf({ rows, columns, reason }: Coordinates, nObs: number): Pick<ObsmEntry, 'columns' | 'rows' | 'reason'> {
  if (reason !== undefined) return { columns, reason }
  return rows === nObs ? { columns } : { columns, rows }
}

function isMuData(root: StoredGroup): boolean {
  return encodingOf(root) === 'MuData'
}

function asAxis(axis: number): SharedAxis {
  return axis === 1 || axis === -1 ? axis : 0
}

/** HDF5 lists names by alphabet; mudata says which came first. */
function modalityOrder(group: StoredGroup | null): readonly string[] {
  const order = group?.attributes.get('mod-order')
  return Array.isArray(order) ? order.map(String) : []
}
