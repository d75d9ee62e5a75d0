import type { NumberArray, StoredArray, ValueType, Window } from '../../../data/stored-tree.ts'

const TYPES: Record<string, ValueType> = {
  Int32Array: { kind: 'int', bytes: 4 },
  Float64Array: { kind: 'int', bytes: 8 },
  Float32Array: { kind: 'float', bytes: 4 },
}

/** One axis of numbers in memory, as a file would hold it; Float64Array stands for 64-bit integers. */
export class MemoryArray implements StoredArray {
  readonly kind = 'array'
  readonly attributes = new Map()
  readonly path: string
  readonly shape: readonly number[]
  readonly type: ValueType
  readonly chunks: readonly number[] | null
  /** Windows that were read, for counting. */
  readonly reads: Window[] = []
  readonly #values: NumberArray

  constructor(path: string, values: NumberArray, chunk: number | null = null) {
    this.path = path
    this.#values = values
    this.shape = [values.length]
    this.type = TYPES[values.constructor.name]!
    this.chunks = chunk === null ? null : [chunk]
  }

  async visit(window: Window, see: (block: NumberArray) => void): Promise<void> {
    this.reads.push(window)
    const [[start, end] = [0, 0]] = window
    see(this.#values.subarray(start, end))
  }

  async texts(): Promise<string[]> {
    return []
  }
}
