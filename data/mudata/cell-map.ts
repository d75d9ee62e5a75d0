import type { Values } from '../../protocol/column-frame.ts'
import type { GeneArray, ObsArray } from '../anndata/anndata-reader.ts'
import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import type { Positions } from '../values/value-type.ts'

/** The largest code of a type means missing. */
const MISSING_CODES = { 1: 255, 2: 65_535 } as const

/**
 * Which cell of a modality each cell of the MuData is. Cells that the modality lacks are missing in what is spread; where
 * it has the same cells in the same order, arrays pass through as they are.
 */
export class CellMap {
  /** For each cell of the MuData its row in the modality plus one, or 0. `null`: the same cells. */
  readonly #rows: Uint32Array | null
  readonly #hasAll: boolean
  readonly size: number

  /** @throws DataError `malformed` where a row is none of the modality's, or stands for two cells */
  constructor(rows: Uint32Array, cellCount: number, modality: string) {
    this.size = rows.length
    const seen = new Uint8Array(cellCount + 1)
    let isSame = rows.length === cellCount
    let found = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0
      if (row !== i + 1) isSame = false
      if (row === 0) continue
      if (row > cellCount || seen[row] === 1) {
        const problem = `row ${row} of ${cellCount}`
        throw new DataError('malformed', `obsmap ${quoted(modality)} does not fit its cells (${problem}).`)
      }
      seen[row] = 1
      found += 1
    }
    this.#hasAll = found === rows.length
    this.#rows = isSame ? null : rows
  }

  /** Row-major positions of `columns` columns of all cells. */
  positions(values: Positions, columns: number): Positions {
    const rows = this.#rows
    if (rows === null) return values
    const length = rows.length * columns
    const spread = values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)
    spread.fill(Number.NaN)
    for (let i = 0; i < rows.length; i++) {
      const from = ((rows[i] ?? 0) - 1) * columns
      if (from >= 0) spread.set(values.subarray(from, from + columns), i * columns)
    }
    return spread
  }

  obs(array: ObsArray): ObsArray {
    const rows = this.#rows
    if (rows === null) return array
    if (array.form === 'dense') return { ...array, values: this.#values(array.values, rows) }
    const missing = MISSING_CODES[array.codes instanceof Uint8Array ? 1 : 2]
    const codes = new (array.codes instanceof Uint8Array ? Uint8Array : Uint16Array)(rows.length).fill(missing)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0
      if (row > 0) codes[i] = array.codes[row - 1] ?? missing
    }
    return { ...array, codes }
  }

  /** Sparse where every cell has a value: what is not stored is 0, and not missing. */
  gene(gene: GeneArray): GeneArray {
    const rows = this.#rows
    if (rows === null) return gene
    const note = gene.note === undefined ? {} : { note: gene.note }
    if (gene.form === 'dense') return { form: 'dense', values: this.#values(gene.values, rows), ...note }
    if (!this.#hasAll) return { form: 'dense', values: this.#values(densified(gene), rows), ...note }
    return { form: 'sparse', n: rows.length, ...this.#moved(gene, rows), ...note }
  }

  /** Rows of the MuData ascending again. */
  #moved({ n, rows: stored, values }: GeneArray & { form: 'sparse' }, rows: Uint32Array) {
    const places = new Uint32Array(n)
    rows.forEach((row, i) => {
      places[row - 1] = i
    })
    const moved = stored.map((row) => places[row] ?? 0)
    const order = new Uint32Array(moved.length).map((_, i) => i).sort((a, b) => (moved[a] ?? 0) - (moved[b] ?? 0))
    const sorted = new (typeOf(values))(values.length)
    order.forEach((from, to) => {
      sorted[to] = values[from] ?? 0
    })
    return { rows: order.map((from) => moved[from] ?? 0), values: sorted }
  }

  #values(values: Values, rows: Uint32Array): Values {
    const isFloat = values instanceof Float32Array || values instanceof Float64Array
    // Integers have no value that means missing; doubles hold them all.
    const type = isFloat || this.#hasAll ? typeOf(values) : Float64Array
    const spread = new type(rows.length)
    if (!this.#hasAll) spread.fill(Number.NaN)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0
      if (row > 0) spread[i] = values[row - 1] ?? Number.NaN
    }
    return spread
  }
}

/** Of one gene that several modalities measured, each in cells of its own. */
export function joinedGenes(parts: readonly GeneArray[], size: number): GeneArray {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const dense = parts.map((part) => (part.form === 'dense' ? part.values : densified(part)))
  const joined = new Float64Array(size).fill(Number.NaN)
  for (const values of dense) {
    for (let i = 0; i < size; i++) {
      const value = values[i] ?? Number.NaN
      if (!Number.isNaN(value)) joined[i] = value
    }
  }
  const note = parts.find((part) => part.note !== undefined)?.note
  const isSingle = dense.every((values) => values instanceof Float32Array)
  return {
    form: 'dense',
    values: isSingle ? Float32Array.from(joined) : joined,
    ...(note === undefined ? {} : { note }),
  }
}

function densified({ n, rows, values }: GeneArray & { form: 'sparse' }): Values {
  const dense = new (typeOf(values))(n)
  rows.forEach((row, i) => {
    dense[row] = values[i] ?? 0
  })
  return dense
}

function typeOf(values: Values): new (length: number) => Values {
  if (values instanceof Float64Array) return Float64Array
  if (values instanceof Int32Array) return Int32Array
  return values instanceof Uint32Array ? Uint32Array : Float32Array
}
