import { Records } from '../../../data/elements/records.ts'
import { digitsAt, viewNumbers } from '../../../data/values/number-views.ts'
import type { RecordFieldLayout, RecordList } from '../../../data/values/record-field.ts'
import { isWhole } from '../../../data/values/value-type.ts'
import type { Hdf5Metadata } from './h5wasm.ts'
import type { Hdf5File, Hdf5Place } from './hdf5-file.ts'
import { ARRAY_CLASS, COMPOUND_CLASS, takeTexts, valueTypeOf } from './hdf5-values.ts'

type Member = NonNullable<Hdf5Metadata['compound_type']>['members'][number]

/** True for a list of records, as tables were written before anndata 0.7; complex numbers are two of its fields. */
export function isRecords(metadata: Hdf5Metadata): boolean {
  return (
    metadata.type === COMPOUND_CLASS && metadata.shape?.length === 1 && !valueTypeName(metadata).startsWith('complex')
  )
}

function valueTypeName(metadata: Hdf5Metadata): string {
  const type = valueTypeOf(metadata)
  return type.kind === 'other' ? type.name : type.kind
}

/** A list of records as a group with one array per field. */
export function recordsOf(file: Hdf5File, place: Hdf5Place): Records {
  const { shape, chunks, size, compound_type } = place.metadata
  const list: RecordList = {
    path: place.path,
    length: shape?.[0] ?? 0,
    chunks,
    recordBytes: size,
    read: async (start, end, see) => {
      file.read(place, [[start, end]], (from, count) => see(file.library.HEAPU8.subarray(from, from + count * size)))
    },
  }
  return new Records(
    list,
    (compound_type?.members ?? []).map((member) => layoutOf(member, file)),
  )
}

function layoutOf(member: Member, file: Hdf5File): RecordFieldLayout {
  const inner = member.type === ARRAY_CLASS ? member.array_type : undefined
  const element = inner ?? member
  const type = valueTypeOf(element)
  return {
    name: member.name,
    offset: member.offset,
    elementBytes: element.size,
    shape: inner?.shape ?? [],
    type,
    isBigEndian: !element.littleEndian && element.size > 1 && type.kind !== 'text',
    numbers: (bytes, count) => viewNumbers(bytes, type, 0, count),
    // Texts of any length lie elsewhere in the library's memory.
    texts: (bytes, count) =>
      isWhole(type) ? digitsAt(bytes, type, 0, count) : takeTexts(bytes, element, 0, count, file.library.HEAPU8),
  }
}
