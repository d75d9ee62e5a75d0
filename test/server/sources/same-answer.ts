import type { DataSource } from '../../../data/data-source.ts'
import type { Column } from '../../../protocol/column-frame.ts'
import { allNotes, type Identity } from '../../../protocol/identity.ts'
import { type Matrix, matrixKey } from '../../../protocol/matrix.ts'
import type { Form } from './forms.ts'

/** A number as JSON holds it: `null` is NaN; infinities, and whole numbers beyond 2 ** 53, are texts. */
type Value = number | string | null
type Field =
  | { key: string; kind: 'continuous'; values: Value[] }
  | { key: string; kind: 'identifier' }
  | { key: string; kind: 'unsupported' }
  | ({ key: string; kind: 'categorical' } & Codes)
  | ({ key: string; kind: 'date' } & Codes)
type Codes = {
  categories: string[]
  ordered: boolean
  labels: (string | null)[]
  /** Those that scanpy draws them in, with alpha. */
  colors: string[]
}
type MatrixAnswer = { matrix: Matrix; genes: Value[][] }

/** What anndata itself reads, as `cases/reading.py` writes it. */
export type Answer = {
  obsNames: string[]
  varNames: string[]
  rawVarNames: string[] | null
  obs: Field[]
  embeddings: Record<string, Value[][]>
  first: string
  /** In the order in which scanpy looks for a gene: raw, X, layers. */
  matrices: MatrixAnswer[]
  notes: string[]
}

type Holds = {
  cellNames: boolean
  fieldOrder: boolean
  /** Whether categories have an order, and their colours. */
  categoryStyle: boolean
  /** Layers, raw, and embeddings of more than three columns. */
  allPlaces: boolean
  /** Where cells were before they were centred. */
  positions: boolean
  /** Whole numbers beyond 2 ** 24. */
  digits: boolean
  /** Whether texts are names of cells rather than categories. */
  identifiers: boolean
}
const ALL: Holds = {
  cellNames: true,
  fieldOrder: true,
  categoryStyle: true,
  allPlaces: true,
  positions: true,
  digits: true,
  identifiers: true,
}
/** What a form cannot hold, whatever the data; all else must be there. */
const HOLDS: Partial<Record<Form, Holds>> = {
  export: {
    cellNames: false,
    fieldOrder: false,
    categoryStyle: false,
    allPlaces: false,
    positions: false,
    digits: false,
    identifiers: false,
  },
}

const signal = new AbortController().signal

/** Everything in which a source says something else than anndata, a sentence each. */
export async function differences(source: DataSource, answer: Answer, form: Form): Promise<string[]> {
  const holds = HOLDS[form] ?? ALL
  const found = new Differences()
  const identity = await source.identity(signal)
  await found.look('identity', async () => compareIdentity(found, identity, answer, holds))
  if (holds.cellNames) await found.look('names of cells', () => compareCellNames(found, source, answer))
  // Of thousands of fields, some: the list of them was compared whole.
  const every = Math.ceil(answer.obs.length / 100)
  for (const field of answer.obs.filter((_, place) => place % every === 0)) {
    await found.look(`obs ${field.key}`, () => compareField(found, source, field, holds))
  }
  for (const each of answer.matrices.filter(({ matrix }) => matrix.in === 'X' || holds.allPlaces)) {
    await found.look(matrixKey(each.matrix), () => compareMatrix(found, source, answer, each, holds))
  }
  for (const [key, table] of Object.entries(answer.embeddings)) {
    if (!holds.allPlaces && !identity.embeddings.some((each) => each.key === key)) continue
    await found.look(`obsm ${key}`, () => compareEmbedding(found, source, [key, table], holds))
  }
  await found.look('a gene as a colour', () => compareColor(found, source, answer, holds))
  // Colours that do not fit are noted when their field was read.
  const notes = allNotes(await source.identity(signal))
  for (const part of holds.allPlaces ? answer.notes : []) {
    if (!notes.some((note) => note.includes(part))) found.add('notes', notes, `one that names ${part}`)
  }
  return found.sentences
}

class Differences {
  readonly sentences: string[] = []

  add(what: string, seen: unknown, expected: unknown): void {
    this.sentences.push(`${what}: ${short(seen)}, but anndata has ${short(expected)}`)
  }

  same(what: string, seen: unknown, expected: unknown): void {
    if (JSON.stringify(seen) !== JSON.stringify(expected)) this.add(what, seen, expected)
  }

  /** Lists, of which the first places that differ are told. */
  sameList(what: string, seen: readonly unknown[], expected: readonly unknown[]): void {
    if (seen.length !== expected.length) this.add(`${what}, length`, seen.length, expected.length)
    const places = expected.flatMap((value, i) => (Object.is(value, seen[i]) ? [] : [i])).slice(0, 3)
    for (const place of places) this.add(`${what}[${place}]`, seen[place], expected[place])
  }

  async look(what: string, compare: () => Promise<void>): Promise<void> {
    try {
      await compare()
    } catch (error) {
      this.sentences.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

async function compareIdentity(found: Differences, identity: Identity, answer: Answer, holds: Holds): Promise<void> {
  const { obsNames, varNames, obs, embeddings, first, matrices } = answer
  const order = <T>(list: T[]) => (holds.fieldOrder ? list : list.toSorted())
  found.same('cells', identity.nObs, obsNames.length)
  found.same('genes', identity.nVar, varNames.length)
  const isTold = (key: string) => holds.identifiers || obs.find((each) => each.key === key)?.kind !== 'identifier'
  const fieldsOf = (list: readonly { key: string; kind: string }[]) =>
    order(list.filter(({ key }) => isTold(key)).map(({ key, kind }) => `${key}: ${kind}`))
  found.same('fields', fieldsOf(identity.obs), fieldsOf(obs))
  const keys = identity.embeddings.map(({ key }) => key).toSorted()
  // An export has those of one to three columns alone.
  if (holds.allPlaces) found.same('embeddings', keys, Object.keys(embeddings).toSorted())
  found.same('first embedding', identity.defaultEmbedding, first)
  if (!holds.allPlaces) return
  const keysOf = (list: readonly { matrix: Matrix }[]) => list.map(({ matrix }) => matrixKey(matrix)).toSorted()
  found.same('matrices', keysOf(identity.matrices), keysOf(matrices))
}

async function compareCellNames(found: Differences, source: DataSource, { obsNames }: Answer): Promise<void> {
  // A page asks for some at a time.
  for (let start = 0; start < obsNames.length; start += 1000) {
    const rows = { start, end: Math.min(obsNames.length, start + 1000) }
    const expected = obsNames.slice(rows.start, rows.end)
    found.sameList(`names of cells from ${start}`, await source.cellNames(rows, signal), expected)
  }
}

async function compareField(found: Differences, source: DataSource, field: Field, holds: Holds): Promise<void> {
  const what = `obs ${field.key}`
  if (field.kind === 'identifier' || field.kind === 'unsupported') {
    const isRead = await source.obs(field.key, signal).then(
      () => true,
      () => false,
    )
    if (isRead && holds.identifiers) found.add(what, 'a column', 'nothing that colours cells')
    return
  }
  const read = await source.obs(field.key, signal)
  if (field.kind === 'continuous') return compareNumbers(found, what, read, field.values, holds)
  if (read.kind !== 'codes') return found.add(what, read.kind, 'categories')
  const labels = Array.from(read.codes, (code) => read.categories[code] ?? null)
  found.sameList(`${what}, labels`, labels, field.labels)
  found.sameList(`${what}, categories`, read.categories, field.categories)
  found.same(`${what}, missing`, read.missingCells, field.labels.filter((label) => label === null).length)
  if (holds.categoryStyle) found.same(`${what}, is ordered`, read.ordered, field.ordered)
  const colors = read.colors.map((color) => (color.length === 7 ? `${color}ff` : color))
  if (holds.categoryStyle) found.sameList(`${what}, colours`, colors, field.colors)
}

function compareNumbers(found: Differences, what: string, column: Column, expected: Value[], holds = ALL): void {
  const values = numbersOf(column, expected.length)
  const read = expected.map((value, i) => (isSameNumber(values[i], value, holds) ? values[i] : value))
  found.sameList(what, values, read)
  if (column.kind === 'codes') return
  const finite = values.filter((value) => typeof value === 'number')
  const ends = finite.length === 0 ? [null, null] : [Math.min(...finite), Math.max(...finite)]
  found.same(`${what}, ends`, [column.min, column.max], ends)
  found.same(`${what}, missing`, column.missingCells, values.filter((value) => value === null).length)
}

/** Whole numbers keep all digits; others those that 32 bits have, where these hold the number at all. */
function isSameNumber(seen: Value | undefined, expected: Value, holds: Holds): boolean {
  if (seen === expected) return true
  if (typeof seen !== 'number' || expected === null) return false
  const single = Math.fround(Number(expected))
  if (!holds.digits) return seen === single
  const needsAll = Number.isSafeInteger(expected) || !Number.isFinite(single) || (single === 0 && expected !== 0)
  return seen === single && !needsAll
}

/** Numbers of a column as the answer has them. */
function numbersOf(column: Column, count: number): Value[] {
  switch (column.kind) {
    case 'dense':
      return Array.from(column.values, asValue)
    case 'sparse': {
      const values = new Array<Value>(count).fill(0)
      column.rows.forEach((row, i) => {
        values[row] = asValue(column.values[i] ?? Number.NaN)
      })
      return values
    }
    case 'codes':
      // Whole numbers with more digits than a number has come as texts.
      return Array.from(column.codes, (code) => column.categories[code] ?? null)
  }
}

function asValue(value: number): Value {
  if (Number.isNaN(value)) return null
  return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf'
}

async function compareMatrix(
  found: Differences,
  source: DataSource,
  answer: Answer,
  { matrix, genes }: MatrixAnswer,
  holds: Holds,
): Promise<void> {
  const names = matrix.in === 'raw' ? (answer.rawVarNames ?? []) : answer.varNames
  const { genes: listed } = await source.genes('', names.length, matrix, signal)
  const ids = listed.map(({ id }) => id)
  const what = matrixKey(matrix)
  found.sameList(`${what}, names of genes`, ids, names)
  for (const [index, values] of genes.entries()) {
    await found.look(`${what} ${names[index]}`, async () => {
      const column = await source.gene(listed[index]?.key ?? '', matrix, signal)
      compareNumbers(found, `${what} ${names[index]}`, column, values, holds)
    })
  }
}

/** A gene by its name alone is read where scanpy reads it: in raw, where there is one. */
async function compareColor(found: Differences, source: DataSource, answer: Answer, holds: Holds): Promise<void> {
  const read = answer.matrices.find(({ matrix }) => matrix.in === 'X' || (matrix.in === 'raw' && holds.allPlaces))
  if (read === undefined) return
  const names = read.matrix.in === 'raw' ? (answer.rawVarNames ?? []) : answer.varNames
  const index = names.findIndex((name, i) => names.indexOf(name) === i && names.lastIndexOf(name) === i && name !== '')
  const name = names[index]
  if (name === undefined || answer.obs.some(({ key }) => key === name)) return
  const color = await source.resolveColor(name, null, signal)
  if (color.axis !== 'var') return found.add(`color=${name}`, color, 'a gene')
  found.same(`color=${name}, matrix`, color.matrix, read.matrix)
  const column = await source.gene(color.key, color.matrix, signal)
  compareNumbers(found, `color=${name}`, column, read.genes[index] ?? [], holds)
}

/** Positions are centred and scaled to their longest side; where the centre was kept they can be put back. */
async function compareEmbedding(
  found: Differences,
  source: DataSource,
  [key, table]: [string, Value[][]],
  holds: Holds,
): Promise<void> {
  const columns = Math.min(table[0]?.length ?? 0, 3)
  const { positions, center, scale, missingCells } = await source.embedding(key, columns, signal)
  const rows = table.map((row) => row.slice(0, columns))
  const present = rows.filter((row) => row.every((value) => typeof value === 'number')) as number[][]
  found.same(`obsm ${key}, missing`, missingCells, rows.length - present.length)
  const axes = Array.from({ length: columns }, (_, axis) => extentOf(present.map((row) => row[axis] ?? 0)))
  const longest = Math.max(...axes.map(({ low, high }) => (high - low) / 2)) || 1
  const wrong: string[] = []
  for (const [row, expected] of rows.entries()) {
    const isMissing = expected.some((value) => typeof value !== 'number')
    for (const [axis, value] of expected.entries()) {
      const { low, high } = axes[axis] ?? { low: 0, high: 0 }
      const seen = positions[row * columns + axis] ?? Number.NaN
      const wanted = (Number(value) - (low + high) / 2) / longest
      // The picture is two units wide: nothing of a place may be lost before it is centred.
      const near = holds.positions ? 2 ** -22 : 2e-6 + Math.abs(Number(value) / longest) * 2 ** -23
      const isRight = isMissing ? Number.isNaN(seen) : Math.abs(seen - wanted) <= near
      if (!isRight) wrong.push(`[${row}, ${axis}] is at ${seen}, but anndata has ${value}, which is at ${wanted}`)
    }
  }
  for (const each of wrong.slice(0, 3)) found.sentences.push(`obsm ${key}${each}`)
  if (!holds.positions || present.length === 0) return
  const largest = Math.max(...axes.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]))
  const near = (seen: number, wanted: number) => Math.abs(seen - wanted) <= 1e-6 * longest + largest * 2 ** -52
  const areRight = axes.every(({ low, high }, axis) => near(center[axis] ?? Number.NaN, (low + high) / 2))
  if (!areRight || !near(scale, longest)) found.add(`obsm ${key}, centre and scale`, [center, scale], [axes, longest])
}

function extentOf(values: number[]): { low: number; high: number } {
  return values.length === 0 ? { low: 0, high: 0 } : { low: Math.min(...values), high: Math.max(...values) }
}
