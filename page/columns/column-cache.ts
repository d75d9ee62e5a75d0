import { ByteLru } from '../../data/byte-lru.ts'
import type { Column } from '../../protocol/column-frame.ts'
import { type Colorable, colorName } from './colorable.ts'

/** Room for 30 dense genes of a million cells: going back to a colour asks nobody. */
const MAX_BYTES = 128 << 20

/** Decoded columns, the least recently used leave first. Bounded in bytes; a single larger one is kept alone. */
export class ColumnCache {
  readonly #columns: ByteLru<Column>

  constructor(maxBytes = MAX_BYTES) {
    this.#columns = new ByteLru(maxBytes, byteLength)
  }

  get(by: Colorable): Column | undefined {
    return this.#columns.get(colorName(by))
  }

  set(by: Colorable, column: Column): void {
    this.#columns.set(colorName(by), column)
  }

  /** The dataset changed: nothing read before may be shown again. */
  clear(): void {
    this.#columns.clear()
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
