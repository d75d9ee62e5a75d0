import { DataError } from '../data-source.ts'
import { RECORDS } from '../stored/element.ts'
import type {
  Attributes,
  NumberArray,
  StoredArray,
  StoredGroup,
  StoredNode,
  ValueType,
  Window,
} from '../stored/stored-tree.ts'
import type { Hdf5Metadata } from './h5wasm.ts'
import type { Hdf5File, Hdf5Place } from './hdf5-file.ts'
import { ARRAY_CLASS, COMPOUND_CLASS, takeTexts, valueTypeOf, viewNumbers } from './hdf5-values.ts'

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
    return member === undefined ? null : new Hdf5Field(this.#file, this.#place, member)
  }

  get #members(): Member[] {
    return this.#place.metadata.compound_type?.members ?? []
  }
}

/** One field of all records. A field may itself be a short list, as embeddings were. */
class Hdf5Field implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly attributes: Attributes = new Map()
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[] | null
  readonly #file: Hdf5File
  readonly #records: Hdf5Place
  readonly #member: Member
  readonly #element: Hdf5Metadata

  constructor(file: Hdf5File, records: Hdf5Place, member: Member) {
    const inner = member.type === ARRAY_CLASS ? member.array_type : undefined
    this.#element = inner ?? member
    this.#file = file
    this.#records = records
    this.#member = member
    this.path = `${records.path}/${member.name}`
    this.shape = [...(records.metadata.shape ?? []), ...(inner?.shape ?? [])]
    this.type = valueTypeOf(this.#element)
    // Records are read whole, whichever field is asked for.
    this.chunks = records.metadata.chunks
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    this.#read(window, (bytes, place, count) => see(viewNumbers(bytes, this.type, place, count)))
  }

  async texts(window: Window): Promise<string[]> {
    return this.#read(window, (bytes, place, count) =>
      takeTexts(bytes, this.#element, place, count, this.#file.library.HEAPU8),
    )
  }

  /** Gather the field's bytes out of the records, one after the other. */
  #read<T>(window: Window, take: (bytes: Uint8Array, place: number, count: number) => T): T {
    const [rows = [0, 0] as const, columns] = window
    if (!this.#element.littleEndian && this.#element.size > 1 && this.type.kind !== 'text') {
      throw new DataError('unsupported', `${this.path} holds big-endian numbers inside records.`)
    }
    const { size: recordBytes } = this.#records.metadata
    const [from, to] = columns ?? [0, 1]
    const width = (to - from) * this.#element.size
    return this.#file.read({ ...this.#records, path: this.path }, [rows], (place, count) => {
      const heap = this.#file.library.HEAPU8
      const bytes = new Uint8Array(count * width)
      for (let i = 0; i < count; i++) {
        const start = place + i * recordBytes + this.#member.offset + from * this.#element.size
        bytes.set(heap.subarray(start, start + width), i * width)
      }
      return take(bytes, 0, count * (to - from))
    })
  }
}
