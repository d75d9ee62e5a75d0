import type { AttributeValue, ValueType } from '../../../data/stored-tree.ts'
import { viewNumbers } from '../../../data/values/number-views.ts'
import type { Hdf5Metadata } from './h5wasm.ts'

/** HDF5's type classes (H5T_class_t). */
const CLASS = { integer: 0, float: 1, text: 3, compound: 6, enumeration: 8, array: 10 } as const
export const COMPOUND_CLASS = CLASS.compound
export const ARRAY_CLASS = CLASS.array
const CLASS_NAMES = [
  'integers',
  'floats',
  'times',
  'texts',
  'bit fields',
  'opaque bytes',
  'records',
  'references',
  'an enumeration',
  'lists',
  'arrays',
]

/** What one element of a dataset or attribute is. */
export function valueTypeOf(metadata: Hdf5Metadata): ValueType {
  const { type, size, signed } = metadata
  switch (type) {
    case CLASS.integer:
      return [1, 2, 4, 8].includes(size) ? { kind: signed ? 'int' : 'uint', bytes: size } : other(`int${size * 8}`)
    case CLASS.float:
      return [2, 4, 8].includes(size) ? { kind: 'float', bytes: size } : other(`float${size * 8}`)
    case CLASS.text:
      return { kind: 'text' }
    case CLASS.enumeration:
      return isBoolean(metadata) ? { kind: 'bool' } : enumerationType(metadata)
    case CLASS.compound:
      return other(isComplex(metadata) ? `complex${size * 8}` : 'records')
    default:
      return other(CLASS_NAMES[type] ?? 'of an unknown type')
  }
}

/** As h5py writes numpy's booleans. */
function isBoolean({ enum_type }: Hdf5Metadata): boolean {
  const members = enum_type?.members ?? {}
  return Object.keys(members).length === 2 && members.FALSE === 0 && members.TRUE === 1
}

function isComplex({ compound_type }: Hdf5Metadata): boolean {
  const names = (compound_type?.members ?? []).map((member) => member.name)
  return names.length === 2 && names[0] === 'r' && names[1] === 'i'
}

function enumerationType({ size, signed }: Hdf5Metadata): ValueType {
  return [1, 2, 4, 8].includes(size) ? { kind: signed ? 'int' : 'uint', bytes: size } : other('an enumeration')
}

function other(name: string): ValueType {
  return { kind: 'other', name }
}

/**
 * Copy texts out of memory; UTF-8 also where the file says ASCII, which is what Python wrote.
 * @param pointed the memory that pointers at texts of any length point into
 */
export function takeTexts(
  heap: Uint8Array,
  metadata: Hdf5Metadata,
  place: number,
  count: number,
  pointed = heap,
): string[] {
  const { vlen, size, strpad } = metadata
  if (vlen) {
    const pointers = new Uint32Array(heap.slice(place, place + count * 4).buffer)
    return Array.from(pointers, (pointer) => (pointer === 0 ? '' : textAt(pointed, pointer, pointed.length, false)))
  }
  const isPadded = strpad === SPACE_PADDED
  return Array.from({ length: count }, (_, i) => textAt(heap, place + i * size, size, isPadded))
}

const SPACE_PADDED = 2
const decoder = new TextDecoder()

function textAt(heap: Uint8Array, place: number, maxBytes: number, isPadded: boolean): string {
  let end = place
  const limit = Math.min(heap.length, place + maxBytes)
  let isAscii = true
  while (end < limit && heap[end] !== 0) if ((heap[end++] ?? 0) > 127) isAscii = false
  const bytes = heap.subarray(place, end)
  const text = isAscii && bytes.length < 64 ? String.fromCharCode(...bytes) : decoder.decode(bytes)
  return isPadded ? text.trimEnd() : text
}

/** An attribute's value in the form that elements use; `null` for what none of them needs. */
export function takeAttribute(heap: Uint8Array, metadata: Hdf5Metadata, place: number): AttributeValue | null {
  const { shape, total_size: count } = metadata
  const type = valueTypeOf(metadata)
  if (shape === null || shape.length > 1 || type.kind === 'other') return null
  const isList = shape.length === 1
  if (type.kind === 'text') {
    const texts = takeTexts(heap, metadata, place, count)
    return isList ? texts : (texts[0] ?? '')
  }
  const numbers = viewNumbers(heap, type, place, count)
  if (isList) return [...numbers]
  return type.kind === 'bool' ? numbers[0] !== 0 : (numbers[0] ?? 0)
}
