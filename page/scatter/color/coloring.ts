import type { DenseColumn, SparseColumn } from '../../../protocol/column-frame.ts'

export { SCALE_NAMES, scaleGradient } from './gradients.ts'

/** What colours the cells, ready to draw. Arrays are kept as they are, in the order of `obs`. */
export type Coloring = CategoryColoring | ValueColoring

export type CategoryColoring = {
  kind: 'categories'
  /** shape (cellCount,); the largest code of the type (255 or 65535) is missing */
  codes: Uint8Array | Uint16Array
  /** CSS colours, one per category */
  colors: readonly string[]
  /** codes that are not drawn and not picked; may hold the missing code */
  hidden: ReadonlySet<number>
}

export type ValueColoring = {
  kind: 'values'
  column: DenseColumn | SparseColumn
  cellCount: number
  /** one of `SCALE_NAMES`; an unknown one is drawn as viridis */
  scale: string
  /** values at the two ends of the scale; values beyond take the end's colour */
  range: readonly [number, number]
}

/** How many cells each category has, shape (categoryCount,); missing cells are in none. */
export function categoryCounts(codes: Uint8Array | Uint16Array, categoryCount: number): Uint32Array {
  // One slot for every code of the type, so that the loop needs no test.
  const counts = new Uint32Array(codes.BYTES_PER_ELEMENT === 1 ? 256 : 65_536)
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number // i < length, and so is the code below that of counts
    counts[code] = (counts[code] as number) + 1
  }
  return counts.slice(0, categoryCount)
}
