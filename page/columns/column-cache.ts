import type { Column } from '../../protocol/column-frame.ts'
import { type Colorable, colorName } from './colorable.ts'

/** Room for 30 dense genes of a million cells: going back to a colour asks nobody. */
const MAX_BYTES = 128 << 20

/** Decoded columns, the least recently used leave first. Bounded in bytes; a single larger one is kept alone. */
export class ColumnCache {
  readonly #columns = new Map<string, Column>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  get(by: Colorable): Column | undefined {
    const name = colorName(by)
    const column = this.#columns.get(name)
    if (column === undefined) return undefined
    this.#columns.delete(name)
    this.#columns.set(name, column)
    return column
  }

  set(by: Colorable, column: Column): void {
    this.#remove(colorName(by))
    this.#columns.set(colorName(by), column)
    this.#bytes += byteLength(column)
    for (const name of this.#columns.keys()) {
      if (this.#bytes <= this.#maxBytes || this.#columns.size === 1) return
      this.#remove(name)
    }
  }

  /** The dataset changed: nothing read before may be shown again. */
  clear(): void {
    this.#columns.clear()
    this.#bytes = 0
  }

  #remove(name: string): void {
    const column = this.#columns.get(name)
    if (column === undefined) return
    this.#columns.delete(name)
    this.#bytes -= byteLength(column)
  }
}

function byteLength(column: Column): number {
  switch (column.kind) {
    case 'dense':
      return column.values.byteLength
    case 'sparse':
      return column.rows.byteLength + column.values.byteLength
    case 'codes':
      return column.codes.byteLength
  }
}
