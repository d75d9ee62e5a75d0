import { ProtocolError } from './errors.ts'
import { parseJsonHeader } from './json-header.ts'

/**
 * Numbers in the narrowest of these types that loses nothing a user can see: whole numbers beyond 2^24 are integers, or
 * doubles where they do not fit or some are missing.
 */
export type Values = Float32Array | Float64Array | Int32Array | Uint32Array

/**
 * One value per cell; row *i* is row *i* of `obs`. The only codec of a column.
 * `min` and `max` leave NaN and infinities out and are `null` when nothing else is there; NaN is missing.
 */
export type DenseColumn = Versioned & {
  kind: 'dense'
  /** shape (n,) */
  values: Values
  min: number | null
  max: number | null
  missingCells: number
  /** A sentence where these are not quite the dataset's own numbers. */
  note?: string
}
/** Values that are not stored are 0. `rows` ascending and unique, shape (nnz,) as `values`. */
export type SparseColumn = Versioned & {
  kind: 'sparse'
  n: number
  rows: Uint32Array
  values: Values
  min: number | null
  max: number | null
  missingCells: number
  note?: string
}
/** The largest code of the type (255 or 65535) means missing. */
export type CodesColumn = Versioned & {
  kind: 'codes'
  codes: Uint8Array | Uint16Array
  categories: readonly string[]
  ordered: boolean
  /** CSS colours, one per category. */
  colors: readonly string[]
  /** Why colours that the dataset holds are not used, a sentence. */
  colorNote?: string
  missingCells: number
}
export type Column = DenseColumn | SparseColumn | CodesColumn

/** The version of the part of the dataset that it was read from; absent where nobody said. */
export type Versioned = { version?: string }

/** (n, dimensions) row-major positions, normalised: `position * scale + center` is the dataset's own coordinate. */
export type Embedding = Versioned & {
  kind: 'embedding'
  key: string
  dimensions: number
  positions: Float32Array
  /** one per axis */
  center: readonly number[]
  scale: number
  /** the box around all cells that have a position, one number per axis, normalised; zeros where none has one */
  low: readonly number[]
  high: readonly number[]
  /** rows with a NaN or infinite coordinate: not drawn */
  missingCells: number
  /** true for `spatial`: y grows downward, as in the image it came from */
  yDown: boolean
}

/** "CELLUCD" and the frame version; little endian throughout. */
const MAGIC = Uint8Array.of(0x43, 0x45, 0x4c, 0x4c, 0x55, 0x43, 0x44, 1)
const MAX_HEADER_BYTES = 64 << 20

export type Section = Values | Uint16Array | Uint8Array
type SectionType = 'f4' | 'f8' | 'i4' | 'u4' | 'u2' | 'u1'
type SectionArray = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Section
}
const SECTIONS: Record<SectionType, SectionArray> = {
  f4: Float32Array,
  f8: Float64Array,
  i4: Int32Array,
  u4: Uint32Array,
  u2: Uint16Array,
  u1: Uint8Array,
}

/** Encode a column: magic, `u32` header length, JSON header padded to 8, sections each aligned to 8. */
export function encodeColumn(column: Column): Uint8Array {
  return joined(columnPieces(column))
}

export function encodeEmbedding(embedding: Embedding): Uint8Array {
  return joined(embeddingPieces(embedding))
}

/** The same as pieces, which share the memory of the column. */
export function columnPieces(column: Column): Uint8Array[] {
  switch (column.kind) {
    case 'dense': {
      const { values, ...head } = column
      return sectionPieces({ ...head, n: values.length }, [values])
    }
    case 'sparse': {
      const { rows, values, ...head } = column
      return sectionPieces(head, [rows, values])
    }
    case 'codes': {
      const { codes, ...head } = column
      return sectionPieces({ ...head, n: codes.length }, [codes])
    }
  }
}

export function embeddingPieces(embedding: Embedding): Uint8Array[] {
  const { positions, ...head } = embedding
  return sectionPieces({ ...head, n: positions.length / embedding.dimensions }, [positions])
}

/**
 * Decode one column frame.
 * @param frame the whole frame, may be a view into a larger buffer; values are views on it where alignment allows
 * @param cellCount the number of cells that the dataset has
 * @throws ProtocolError `bad_frame` when magic, version, lengths or cell count do not fit
 */
export function decodeColumn(frame: Uint8Array, cellCount: number): Column {
  const { header, sections } = decodeSections(frame)
  if (header.n !== cellCount) throw badColumn(`${JSON.stringify(header.n)} values for ${cellCount} cells`)
  const range = {
    min: finiteOrNull(header.min),
    max: finiteOrNull(header.max),
    missingCells: count(header.missingCells),
    ...(typeof header.note === 'string' ? { note: header.note } : {}),
    ...versionOf(header),
  }
  const [first, second] = sections
  if (header.kind === 'dense' && isValues(first) && first.length === cellCount) {
    return { kind: 'dense', values: first, ...range }
  }
  if (header.kind === 'sparse' && first instanceof Uint32Array && isValues(second)) {
    checkRows(first, second, cellCount)
    return { kind: 'sparse', n: cellCount, rows: first, values: second, ...range }
  }
  if (header.kind === 'codes' && (first instanceof Uint8Array || first instanceof Uint16Array)) {
    if (first.length !== cellCount) throw badColumn(`${first.length} codes for ${cellCount} cells`)
    return {
      kind: 'codes',
      codes: first,
      ...decodeCategories(header),
      missingCells: range.missingCells,
      ...versionOf(header),
    }
  }
  throw badColumn(`kind ${JSON.stringify(header.kind)}`)
}

/** Decode one embedding frame; see {@link decodeColumn}. */
export function decodeEmbedding(frame: Uint8Array, cellCount: number): Embedding {
  const { header, sections } = decodeSections(frame)
  const positions = sections[0]
  const dimensions = count(header.dimensions)
  if (header.kind !== 'embedding' || !(positions instanceof Float32Array)) throw badColumn('no positions')
  if (header.n !== cellCount || positions.length !== cellCount * dimensions) {
    throw badColumn(`${positions.length} coordinates for ${cellCount} cells in ${dimensions} dimensions`)
  }
  return {
    kind: 'embedding',
    key: typeof header.key === 'string' ? header.key : '',
    dimensions,
    positions,
    center: perAxis(header.center),
    scale: typeof header.scale === 'number' ? header.scale : 1,
    low: perAxis(header.low),
    high: perAxis(header.high),
    missingCells: count(header.missingCells),
    yDown: header.yDown === true,
    ...versionOf(header),
  }
}

function versionOf({ version }: Record<string, unknown>): Versioned {
  return typeof version === 'string' ? { version } : {}
}

function perAxis(value: unknown): number[] {
  if (!Array.isArray(value)) return []
  if (!value.every((entry): entry is number => typeof entry === 'number')) throw badColumn('a place that is no number')
  return value
}

function decodeCategories(header: Record<string, unknown>): Omit<CodesColumn, 'kind' | 'codes' | 'missingCells'> {
  const { categories, colors, colorNote } = header
  if (!isTexts(categories)) throw badColumn('categories that are no list of texts')
  if (!isTexts(colors) || colors.length !== categories.length) throw badColumn('no colour for each category')
  const ordered = header.ordered === true
  return { categories, ordered, colors, ...(typeof colorNote === 'string' ? { colorNote } : {}) }
}

function checkRows(rows: Uint32Array, values: Values, cellCount: number): void {
  if (rows.length !== values.length) throw badColumn(`${rows.length} rows for ${values.length} values`)
  let last = -1
  for (const row of rows) {
    if (row <= last || row >= cellCount) throw badColumn(`row ${row} of ${cellCount}`)
    last = row
  }
}

function sectionPieces(head: object, sections: readonly Section[]): Uint8Array[] {
  const header = { ...head, sections: sections.map((section) => [sectionType(section), section.length]) }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const first = new Uint8Array(aligned(12 + json.length))
  first.set(MAGIC)
  new DataView(first.buffer).setUint32(8, first.length - 12, true)
  first.fill(0x20, 12)
  first.set(json, 12)
  const rest = sections.flatMap(({ buffer, byteOffset, byteLength }) => [
    new Uint8Array(buffer, byteOffset, byteLength),
    new Uint8Array(aligned(byteLength) - byteLength),
  ])
  return [first, ...rest.filter(({ length }) => length > 0)]
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function decodeSections(frame: Uint8Array): { header: Record<string, unknown>; sections: Section[] } {
  if (frame.length < 12 || MAGIC.some((byte, i) => frame[i] !== byte)) throw badColumn('no column frame')
  const headerLength = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(8, true)
  if (headerLength > Math.min(frame.length - 12, MAX_HEADER_BYTES)) throw badColumn(`a header of ${headerLength} bytes`)
  const header = parseJsonHeader(frame.subarray(12, 12 + headerLength), badColumn)
  const sections: Section[] = []
  let offset = 12 + headerLength
  for (const [type, length] of sectionList(header.sections)) {
    const bytes = length * SECTIONS[type].BYTES_PER_ELEMENT
    if (offset + bytes > frame.length) throw badColumn(`${frame.length} bytes, ${offset + bytes} announced`)
    sections.push(sectionView(frame, offset, bytes, type))
    offset = aligned(offset + bytes)
  }
  return { header, sections }
}

function sectionView(frame: Uint8Array, offset: number, bytes: number, type: SectionType): Section {
  const Items = SECTIONS[type]
  const itemBytes = Items.BYTES_PER_ELEMENT
  // A view into a larger buffer may start anywhere, and a typed array on an odd offset throws: then copy.
  const isAligned = (frame.byteOffset + offset) % itemBytes === 0
  const source = isAligned ? frame.subarray(offset) : frame.slice(offset, offset + bytes)
  return new Items(source.buffer, source.byteOffset, bytes / itemBytes)
}

function isValues(section: Section | undefined): section is Values {
  return section !== undefined && !(section instanceof Uint16Array || section instanceof Uint8Array)
}

const SECTION_TYPES = Object.entries(SECTIONS) as [SectionType, SectionArray][] // of an object that nobody else made

function sectionType(section: Section): SectionType {
  const found = SECTION_TYPES.find(([, Items]) => section instanceof Items)
  return found?.[0] ?? 'u1'
}

function sectionList(value: unknown): [SectionType, number][] {
  if (!Array.isArray(value)) throw badColumn('no list of sections')
  return value.map((entry: unknown) => {
    const [type, length] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (typeof type !== 'string' || !Object.hasOwn(SECTIONS, type))
      throw badColumn(`section type ${JSON.stringify(type)}`)
    return [type as SectionType, count(length)] // the type was just looked up
  })
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8
}

function count(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw badColumn(`a count of ${JSON.stringify(value)}`)
}

function finiteOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function badColumn(found: string, cause?: unknown): ProtocolError<'bad_frame'> {
  return new ProtocolError('bad_frame', `A column did not arrive whole: ${found}. Choose it again.`, { cause })
}
