import type { ColorTable } from '../color/color-table.ts'
import type { Rgba } from '../color/css-color.ts'
import type { DrawOrder, Positions } from '../draw-order.ts'
import type { Projection } from '../projection.ts'

/** What one picture needs beside the cells' own data. Diameters in device pixels. */
export type Frame = {
  projection: Projection
  /** the picture that cells come from, and how far they are, 0 to 1; null when they are there */
  morph: { from: Projection; progress: number } | null
  /** the first so many cells of the draw order */
  count: number
  /** by value where a ranking is there; only all cells can be drawn so */
  isRanked: boolean
  diameter: number
  selectedDiameter: number
  highlightDiameter: number
  /** device pixels a CSS pixel */
  ratio: number
  opacity: number
  background: Rgba
  dimmed: Rgba
  hasSelection: boolean
  /** one colour a group, at most 32 */
  highlights: readonly Rgba[]
  /** half of the largest distance between cells, in units */
  radius: number
}

/** What draws cells: the graphics card, or the processor where there is none. */
export interface Layer {
  readonly cells: CellStore
  setTable(table: ColorTable): void
  /** How many points `draw` has to draw for a whole picture: more than cells where sets are drawn one after the other. */
  workOf(frame: Frame): number
  /** Draw points number `from` to `to` (exclusive) of the picture; number 0 clears. A whole picture is 0 to `workOf`. */
  draw(frame: Frame, from: number, to: number): void
  dispose(): void
}

/** What a layer holds of each cell. Arrays are in the order of `obs` and are dealt out by `order`. */
export interface CellStore {
  /** Whether places of the embedding before are still here, to start from. */
  readonly hasOldPositions: boolean
  /** Whether cells can be drawn by rank instead of in draw order. */
  readonly hasRanking: boolean
  /** @param options.keepOld keep the places that were there before, of the same cells */
  setPositions(positions: Positions, order: DrawOrder, options: { keepOld: boolean }): void
  dropOldPositions(): void
  /** @param codes shape (n,); null gives every cell code 0 */
  setCodes(codes: Uint8Array | Uint16Array | null, order: DrawOrder): void
  /** @param flags shape (n,); null gives every cell none */
  setFlags(flags: Uint8Array | null, order: DrawOrder): void
  /** @param ranking places in draw order, lowest rank first; null gives its memory back */
  setRanking(ranking: Uint32Array | null): void
}
