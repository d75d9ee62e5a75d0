import * as v from 'valibot'
import { Records } from '../elements/records.ts'
import type { StoredArray, StoredNode } from '../stored-tree.ts'
import { digitsAt, viewNumbers } from '../values/number-views.ts'
import { RecordField, type RecordFieldLayout, type RecordList } from '../values/record-field.ts'
import { isWhole } from '../values/value-type.ts'
import { type ArrayPlace, openArray } from './zarr-array.ts'
import { knownType2, knownType3 } from './zarr-layout.ts'
import type { ZarrNode } from './zarr-nodes.ts'
import type { ZarrStore } from './zarr-store.ts'

type ArrayNode = Extract<ZarrNode, { kind: 'array' }>
type Fields = readonly RecordFieldLayout[]

/**
 * An array whose elements are several bytes that the library does not decode: records, which tables were before
 * anndata 0.7, and in format 3 texts of a fixed length. They are read as bytes, and cut here.
 * @returns `null` for an array of another kind
 */
export async function openBytes(node: ArrayNode, place: ArrayPlace): Promise<StoredNode | null> {
  const found = node.format === 3 ? fieldsOf3(node.document) : fieldsOf2(node.document)
  const { shape } = node.document
  if (found === null || !Array.isArray(shape) || shape.length !== 1) return null
  const recordBytes = found.fields.reduce((end, field) => Math.max(end, field.offset + bytesOf(field)), 0)
  const document = node.format === 3 ? asBytes3(node.document, recordBytes) : asBytes2(node.document, recordBytes)
  const bytes = await openArray({ ...node, document }, { ...place, store: withoutLastAxis(place.store) })
  const list = recordsOf(bytes, recordBytes)
  const [only] = found.fields
  if (!found.isRecords && only !== undefined) return new RecordField(list, only, place.attributes)
  return new Records(list, found.fields)
}

function recordsOf(bytes: StoredArray, recordBytes: number): RecordList {
  return {
    path: bytes.path,
    length: bytes.shape[0] ?? 0,
    chunks: bytes.chunks === null ? null : bytes.chunks.slice(0, 1),
    recordBytes,
    read: (start, end, see) =>
      bytes.visit(
        [
          [start, end],
          [0, recordBytes],
        ],
        // The array was opened as one of bytes.
        (block) => see(block as Uint8Array),
      ),
  }
}

/** Names of chunks end in the place along the axis of bytes, which the stored array has not: always 0. */
function withoutLastAxis(store: ZarrStore): ZarrStore {
  return { get: (key, range) => store.get(key.replace(/[./]0$/, ''), range), names: (key) => store.names(key) }
}

const sizes = v.array(v.number())

function asBytes2(document: Record<string, unknown>, bytes: number): Record<string, unknown> {
  const axes = { shape: withAxis(document.shape, bytes), chunks: withAxis(document.chunks, bytes) }
  return { ...document, ...axes, dtype: '|u1', fill_value: 0, order: 'C' }
}

const grid3 = v.looseObject({ configuration: v.looseObject({ chunk_shape: sizes }) })
const codecs3 = v.array(v.looseObject({ name: v.string(), configuration: v.optional(v.looseObject({})) }))

function asBytes3(document: Record<string, unknown>, bytes: number): Record<string, unknown> {
  const grid = v.safeParse(grid3, document.chunk_grid)
  const codecs = v.safeParse(codecs3, document.codecs)
  // What does not look as it should is refused by who reads the document.
  if (!grid.success || !codecs.success) return document
  return {
    ...document,
    shape: withAxis(document.shape, bytes),
    data_type: 'uint8',
    fill_value: 0,
    chunk_grid: {
      name: 'regular',
      configuration: { chunk_shape: withAxis(grid.output.configuration.chunk_shape, bytes) },
    },
    codecs: codecs.output.map((codec) => {
      const inner = codec.configuration?.chunk_shape
      if (codec.name === 'bytes') return { name: 'bytes', configuration: { endian: 'little' } }
      return inner === undefined
        ? codec
        : { ...codec, configuration: { ...codec.configuration, chunk_shape: withAxis(inner, bytes) } }
    }),
  }
}

function withAxis(shape: unknown, bytes: number): unknown {
  return Array.isArray(shape) ? [...shape, bytes] : shape
}

type Found = { fields: Fields; isRecords: boolean }

const member2 = v.union([
  v.strictTuple([v.string(), v.string()]),
  v.strictTuple([v.string(), v.string(), v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))]),
])

/** numpy's list of names, types and shapes. */
function fieldsOf2({ dtype }: Record<string, unknown>): Found | null {
  const parsed = v.safeParse(v.pipe(v.array(member2), v.nonEmpty()), dtype)
  if (!parsed.success) return null
  let offset = 0
  const fields = parsed.output.map(([name, type, shape = []]) => {
    const layout = fieldOf(name, offset, { known: knownType2(type), letter: type, shape })
    offset += bytesOf(layout)
    return layout
  })
  return fields.some(({ elementBytes }) => elementBytes === 0) ? null : { fields, isRecords: true }
}

const named3 = v.object({ name: v.string(), configuration: v.looseObject({}) })
const type3 = v.union([v.string(), named3])
const records3 = v.object({
  name: v.literal('structured'),
  configuration: v.object({ fields: v.array(v.strictTuple([v.string(), type3])) }),
})

function fieldsOf3({ data_type: dataType, codecs }: Record<string, unknown>): Found | null {
  const isBigEndian = JSON.stringify(codecs ?? []).includes('"endian":"big"')
  const records = v.safeParse(records3, dataType)
  const members = records.success ? records.output.configuration.fields : [['', dataType] as const]
  let offset = 0
  const fields: RecordFieldLayout[] = []
  for (const [name, type] of members) {
    const text = v.safeParse(text3, type)
    const known = text.success
      ? { type: { kind: 'text' } as const, bytes: text.output.configuration.length_bytes }
      : records.success && typeof type === 'string'
        ? knownType3(type)
        : undefined
    if (known === undefined) return null
    const letter = text.success && text.output.name === 'fixed_length_utf32' ? 'U' : 'S'
    const layout = fieldOf(name, offset, { known, letter: `${isBigEndian ? '>' : '<'}${letter}`, shape: [] })
    offset += bytesOf(layout)
    fields.push(layout)
  }
  return { fields, isRecords: records.success }
}

const text3 = v.object({
  name: v.picklist(['fixed_length_utf32', 'null_terminated_bytes']),
  configuration: v.object({ length_bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) }),
})

type Kind = { known: ReturnType<typeof knownType2>; letter: string; shape: readonly number[] }

/** @param letter as numpy names the type: `<U4`, `|S5`, `>f8` */
function fieldOf(name: string, offset: number, { known, letter, shape }: Kind): RecordFieldLayout {
  const isBigEndian = letter.startsWith('>')
  const isWide = letter[1] === 'U'
  const elementBytes = known?.bytes ?? 0
  const type = known?.type ?? ({ kind: 'other', name: letter } as const)
  return {
    name,
    offset,
    elementBytes,
    shape,
    type,
    isBigEndian: isBigEndian && type.kind !== 'text',
    numbers: (bytes, count) => viewNumbers(bytes, type, 0, count),
    texts: (bytes, count) => {
      if (isWhole(type)) return digitsAt(bytes, type, 0, count)
      return Array.from({ length: count }, (_, i) => {
        const text = bytes.subarray(i * elementBytes, (i + 1) * elementBytes)
        return isWide ? wideText(text, isBigEndian) : narrowText(text)
      })
    },
  }
}

function bytesOf({ elementBytes, shape }: RecordFieldLayout): number {
  return shape.reduce((total, size) => total * size, elementBytes)
}

const decoder = new TextDecoder()

/** UTF-8, filled up with zeros. */
function narrowText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replace(/\0+$/, '')
}

/** Four bytes a character, filled up with zeros. */
function wideText(bytes: Uint8Array, isBigEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = view.getUint32(at, !isBigEndian)
    text += point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point)
  }
  return text.replace(/\0+$/, '')
}
