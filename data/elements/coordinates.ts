import { DataError, type Rows } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import type { StoredArray, StoredGroup, StoredNode, Turn, ValueType } from '../stored-tree.ts'
import type { Positions } from '../values/value-type.ts'
import { readIntegers, readPositions } from './blocks.ts'
import { DataFrame } from './dataframe.ts'
import { encodingOf, encodingProblem } from './element.ts'
import { compressionOf, sparseShape } from './matrix.ts'
import { openSparseParts, readPointers } from './sparse-parts.ts'

/** An entry of obsm as a table of coordinates. `reason` says why it is none. */
export interface Coordinates {
  readonly rows: number
  readonly columns: number
  readonly reason?: string
  /** The first `columns` columns, row-major; NaN is missing. @throws DataError */
  read(columns: number, rows: Rows, turn: Turn): Promise<Positions>
}

/** So many columns are drawn at most, and have to be numbers. */
const DRAWN_COLUMNS = 3

/** An array, a table or a sparse matrix, as anndata allows in obsm. Reads shapes, types and attributes. */
export async function openCoordinates(node: StoredNode, turn: Turn): Promise<Coordinates> {
  const problem = encodingProblem(node)
  if (problem !== null) return unreadable(node, problem)
  if (node.kind === 'array') return new ArrayCoordinates(node)
  if (compressionOf(node) !== null) return new SparseCoordinates(node, await sparseProblem(node))
  const encoding = encodingOf(node)
  if (encoding !== 'dataframe') return unreadable(node, `its encoding "${encoding}" cannot be drawn`)
  const table = await DataFrame.open(node, async () => null)
  return new TableCoordinates(table, await tableProblem(table, turn))
}

function unreadable({ path }: StoredNode, reason: string): Coordinates {
  const read = () => Promise.reject(new DataError('unsupported', `${path} is no table of coordinates: ${reason}.`))
  return { rows: 0, columns: 0, reason, read }
}

class ArrayCoordinates implements Coordinates {
  readonly rows: number
  readonly columns: number
  readonly reason?: string
  readonly #array: StoredArray

  constructor(array: StoredArray) {
    this.#array = array
    this.rows = array.shape[0] ?? 0
    // anndata reads a list as a table of one column.
    this.columns = array.shape[1] ?? 1
    const reason = arrayProblem(array)
    if (reason !== null) this.reason = reason
  }

  read(columns: number, rows: Rows, turn: Turn): Promise<Positions> {
    const window = this.#array.shape.length === 1 ? [] : [[0, columns] as const]
    return readPositions(this.#array, [[rows.start, rows.end], ...window], turn)
  }
}

function arrayProblem({ shape, type }: StoredArray): string | null {
  if (shape.length < 1 || shape.length > 2) return `its shape (${shape.join(', ')}) is no table of coordinates`
  return typeProblem(type) ?? (shape[1] === 0 ? NO_COLUMNS : null)
}

function typeProblem(type: ValueType): string | null {
  if (type.kind === 'text') return 'its values are texts'
  if (type.kind === 'bool') return 'its values are True and False'
  return type.kind === 'other' ? `its values are ${type.name}` : null
}

const NO_COLUMNS = 'it has no columns'

/** Each column stands by itself. */
class TableCoordinates implements Coordinates {
  readonly rows: number
  readonly columns: number
  readonly reason?: string
  readonly #table: DataFrame

  constructor(table: DataFrame, reason: string | null) {
    this.#table = table
    this.rows = table.length
    this.columns = table.columns.length
    if (reason !== null) this.reason = reason
  }

  async read(columns: number, rows: Rows, turn: Turn): Promise<Positions> {
    const count = rows.end - rows.start
    const positions = new Float64Array(count * columns)
    for (let column = 0; column < columns; column++) {
      const values = await this.#table.positions(this.#table.columns[column] ?? '', rows, turn)
      for (let row = 0; row < count; row++) positions[row * columns + column] = values[row] ?? Number.NaN
    }
    return positions
  }
}

async function tableProblem(table: DataFrame, turn: Turn): Promise<string | null> {
  if (table.columns.length === 0) return NO_COLUMNS
  for (const name of table.columns.slice(0, DRAWN_COLUMNS)) {
    const { kind, reason } = await table.field(name, turn)
    if (kind !== 'continuous') return `its column ${quoted(name)} holds no numbers${reason ? ` (${reason})` : ''}`
  }
  return null
}

class SparseCoordinates implements Coordinates {
  readonly rows: number
  readonly columns: number
  readonly reason?: string
  readonly #group: StoredGroup

  constructor(group: StoredGroup, reason: string | null) {
    this.#group = group
    const [rows = 0, columns = 0] = sparseShape(group)
    this.rows = rows
    this.columns = columns
    if (reason !== null) this.reason = reason
  }

  async read(columns: number, rows: Rows, turn: Turn): Promise<Positions> {
    const positions = new Float64Array((rows.end - rows.start) * columns)
    const isByRow = compressionOf(this.#group) === 'csr'
    const parts = await openSparseParts(this.#group, isByRow ? this.rows : this.columns)
    const pointers = await readPointers(parts, turn)
    const [first, last] = isByRow ? [rows.start, rows.end] : [0, columns]
    const [from, to] = [pointers[first] ?? 0, pointers[last] ?? 0]
    const most = isByRow ? this.columns : this.rows
    let line = first
    for (let start = from; start < to; start += BLOCK_VALUES) {
      const range = [start, Math.min(to, start + BLOCK_VALUES)] as const
      const indices = await readIntegers(parts.indices, range, turn)
      const values = await readPositions(parts.data, [range], turn)
      for (let i = 0; i < values.length; i++) {
        while ((pointers[line + 1] ?? Number.POSITIVE_INFINITY) <= start + i) line++
        const index = indices[i] ?? -1
        if (!(index >= 0 && index < most))
          throw new DataError('malformed', `${parts.path}/indices names ${index} of ${most}.`)
        const [row, column] = isByRow ? [line, index] : [index, line]
        // What stands there twice is summed, as scipy does.
        if (row >= rows.start && row < rows.end && column < columns) {
          const place = (row - rows.start) * columns + column
          positions[place] = (positions[place] ?? 0) + (values[i] ?? 0)
        }
      }
    }
    return positions
  }
}

/** Stored values that are looked at together. */
const BLOCK_VALUES = 1 << 20

async function sparseProblem(group: StoredGroup): Promise<string | null> {
  const data = await group.get('data')
  const problem = data?.kind === 'array' ? typeProblem(data.type) : null
  return problem ?? (sparseShape(group)[1] === 0 ? NO_COLUMNS : null)
}
