import type { Attributes, NumberArray, StoredArray, ValueType, Window } from '../stored-tree.ts'

/** Records that are looked at in one piece; a field of them may be a few bytes of each. */
const PIECE_BYTES = 16 << 20

/** A list of records of one size, each of several fields. */
export interface RecordList {
  readonly path: string
  readonly length: number
  readonly chunks: readonly number[] | null
  readonly recordBytes: number
  /** Show `see` the bytes of some records, which it may not keep. @throws DataError */
  read(start: number, end: number, see: (records: Uint8Array) => void): Promise<void>
}

/** Where a field lies in its record, and what its elements are. A field may itself be a short list, as embeddings were. */
export type RecordFieldLayout = {
  name: string
  offset: number
  elementBytes: number
  shape: readonly number[]
  type: ValueType
  isBigEndian: boolean
  /** Elements that lie one after the other. */
  numbers(bytes: Uint8Array, count: number): NumberArray
  /** Texts, or the digits of whole numbers. */
  texts(bytes: Uint8Array, count: number): string[]
}

/** One field of all records, as an array. */
export class RecordField implements StoredArray {
  readonly kind = 'array'
  readonly path: string
  readonly attributes: Attributes
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[] | null
  readonly #records: RecordList
  readonly #layout: RecordFieldLayout

  constructor(records: RecordList, layout: RecordFieldLayout, attributes: Attributes = new Map()) {
    this.path = layout.name === '' ? records.path : `${records.path}/${layout.name}`
    this.attributes = attributes
    this.shape = [records.length, ...layout.shape]
    this.type = layout.type
    // Records are read whole, whichever field is asked for.
    this.chunks = records.chunks === null ? null : [...records.chunks, ...layout.shape]
    this.#records = records
    this.#layout = layout
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    let gathered = new Uint8Array()
    const { count } = await this.#gather(window, (bytes, at, total) => {
      if (gathered.length === 0) gathered = new Uint8Array(total)
      gathered.set(bytes, at)
    })
    if (this.#layout.isBigEndian) swapBytes(gathered, this.#layout.elementBytes)
    see(this.#layout.numbers(gathered, count))
  }

  async texts(window: Window): Promise<string[]> {
    const texts: string[] = []
    const { isBigEndian, elementBytes } = this.#layout
    await this.#gather(window, (bytes) => {
      if (isBigEndian) swapBytes(bytes, elementBytes)
      for (const text of this.#layout.texts(bytes, bytes.length / elementBytes)) texts.push(text)
    })
    return texts
  }

  /** Copy the field's bytes out of the records, piece by piece. */
  async #gather(window: Window, take: (bytes: Uint8Array, at: number, total: number) => void) {
    const [[first, last] = [0, 0] as const, columns] = window
    const { offset, elementBytes } = this.#layout
    const [from, to] = columns ?? [0, 1]
    const width = (to - from) * elementBytes
    const { recordBytes } = this.#records
    const step = this.#pieceRecords(recordBytes)
    for (let start = first; start < last; start = Math.min(last, (Math.floor(start / step) + 1) * step)) {
      const end = Math.min(last, (Math.floor(start / step) + 1) * step)
      await this.#records.read(start, end, (records) => {
        const bytes = new Uint8Array((end - start) * width)
        for (let i = 0; i < end - start; i++) {
          const place = i * recordBytes + offset + from * elementBytes
          bytes.set(records.subarray(place, place + width), i * width)
        }
        take(bytes, (start - first) * width, (last - first) * width)
      })
    }
    return { count: (last - first) * (to - from) }
  }

  /** As many records as fit a piece, and whole chunks where these are smaller. */
  #pieceRecords(recordBytes: number): number {
    const wanted = Math.max(1, Math.floor(PIECE_BYTES / recordBytes))
    const [chunk = 1] = this.#records.chunks ?? []
    return wanted <= chunk ? wanted : wanted - (wanted % chunk)
  }
}

function swapBytes(bytes: Uint8Array, elementBytes: number): void {
  for (let at = 0; at < bytes.length; at += elementBytes) bytes.subarray(at, at + elementBytes).reverse()
}
