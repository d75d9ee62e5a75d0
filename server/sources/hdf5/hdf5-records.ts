import { RECORDS } from '../../../data/elements/element.ts'
import type { Attributes, StoredGroup, StoredNode } from '../../../data/stored-tree.ts'
import { digitsAt, viewNumbers } from '../../../data/values/number-views.ts'
import { RecordField, type RecordFieldLayout, type RecordList } from '../../../data/values/record-field.ts'
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

/** A list of records as a group with one array per field, so that old tables read as new ones do. */
export class Hdf5Records implements StoredGroup {
  readonly kind = 'group'
  readonly path: string
  readonly attributes: Attributes = new Map([['encoding-type', RECORDS]])
  readonly #file: Hdf5File
  readonly #place: Hdf5Place

  constructor(file: Hdf5File, place: Hdf5Place) {
    this.path = place.path
    this.#file = file
    this.#place = place
  }

  async keys(): Promise<readonly string[]> {
    return this.#members.map(({ name }) => name)
  }

  async get(name: string): Promise<StoredNode | null> {
    const member = this.#members.find((each) => each.name === name)
    return member === undefined ? null : new RecordField(this.#list(), layoutOf(member, this.#file))
  }

  get #members(): Member[] {
    return this.#place.metadata.compound_type?.members ?? []
  }

  #list(): RecordList {
    const { shape, chunks, size } = this.#place.metadata
    return {
      path: this.path,
      length: shape?.[0] ?? 0,
      chunks,
      recordBytes: size,
      read: async (start, end, see) => {
        this.#file.read(this.#place, [[start, end]], (place, count) =>
          see(this.#file.library.HEAPU8.subarray(place, place + count * size)),
        )
      },
    }
  }
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
