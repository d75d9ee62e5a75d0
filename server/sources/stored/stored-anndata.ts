import type { Description, GeneArray, ObsArray, ObsmEntry } from '../anndata-reader.ts'
import { rgbToHex } from '../colors.ts'
import { DataError, type Rows } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import { readFloats, readTexts } from './blocks.ts'
import { DataFrame } from './dataframe.ts'
import { encodingOf, encodingProblem, lengthOf, missingPart } from './element.ts'
import { type Matrix, openMatrix } from './matrix.ts'
import type { StoredGroup, StoredNode, Turn } from './stored-tree.ts'

/** The layer that has its own var. */
const RAW = 'raw'

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
    const obs = await this.#table('obs')
    const varTable = await this.#table('var')
    checkCount(obs.length, 'obs', 'cells')
    checkCount(varTable.length, 'var', 'genes')
    const fields: Description['obs'] = []
    for (const key of obs.columns) {
      await turn()
      fields.push({ ...(await obs.field(key, turn)), version })
    }
    const raw = await this.#root.get(RAW)
    return {
      nObs: obs.length,
      nVar: varTable.length,
      version,
      obs: fields,
      obsm: await this.#describeObsm(obs.length, version),
      varColumns: [...varTable.columns],
      layers: [...(await this.#layerNames())],
      hasX: (await this.#root.get('X')) !== null,
      rawVar: raw === null ? null : (await this.#table('raw/var')).length,
      notes: [],
    }
  }

  async obsm(key: string, columns: number, rows: Rows, turn: Turn): Promise<Float32Array> {
    const node = await this.#child('obsm', key)
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

  async varNames(column: string | null, layer: string | null, turn: Turn): Promise<string[]> {
    const table = await this.#table(layer === RAW ? 'raw/var' : 'var')
    return table.texts(column, [0, table.length], turn)
  }

  async obsNames(rows: Rows, turn: Turn): Promise<string[]> {
    return (await this.#table('obs')).texts(null, [rows.start, rows.end], turn)
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
    const node = await (await this.#group('uns'))?.get(`${key}_colors`)
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
    const place = layer === null ? 'X' : layer === RAW ? 'raw/X' : `layers/${layer}`
    const kept = this.#matrices.get(place)
    if (kept !== undefined) return kept
    const node =
      layer === null
        ? await this.#child('', 'X')
        : await this.#child(layer === RAW ? RAW : 'layers', layer === RAW ? 'X' : layer)
    const columns = (await this.#table(layer === RAW ? 'raw/var' : 'var')).length
    const matrix = await openMatrix(node, [(await this.#table('obs')).length, columns])
    this.#matrices.set(place, matrix)
    return matrix
  }

  async #table(place: 'obs' | 'var' | 'raw/var'): Promise<DataFrame> {
    const kept = this.#tables.get(place)
    if (kept !== undefined) return kept
    const table = await DataFrame.open(
      await this.#child(place === 'raw/var' ? RAW : '', place === 'raw/var' ? 'var' : place),
    )
    this.#tables.set(place, table)
    return table
  }

  /** @throws DataError `malformed` naming what the parent has instead */
  async #child(parent: string, name: string): Promise<StoredNode> {
    const group = parent === '' ? this.#root : await this.#group(parent)
    const node = (await group?.get(name)) ?? null
    if (node === null) throw await missingPart(group ?? this.#root, group === null ? parent : name)
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
