// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../protocol/column-frame.ts'
import { type Bounds, boundsOf } from './projection.ts'

/** Bins an axis, by number of dimensions: fine enough to part neighbouring clusters, coarse enough to be filled. */
const BINS = [1, 64, 32, 12] as const
/** Names of more categories than this would cover the cells, and nobody could read them. */
export const MAX_LABELLED = 256

/**
 * Where to write the name of each category: the mean of its cells around its densest bin, so that the name of a
 * scattered or split category still lies on cells of it.
 * @param codes shape (n,), as in a category colouring
 * @returns shape (categoryCount, 3) row-major; NaN for a category without cells, and for all beyond `MAX_LABELLED`
 */
export function categoryCenters(
  embedding: Embedding,
  codes: Uint8Array | Uint16Array,
  categoryCount: number,
): Float32Array {
  const centers = new Float32Array(categoryCount * 3).fill(Number.NaN)
  if (categoryCount > MAX_LABELLED) return centers
  const grid = new Bins(embedding)
  const { size } = grid
  const bins = grid.binsOfCells()
  const counts = new Uint32Array(categoryCount * size)
  for (let cell = 0; cell < codes.length; cell++) {
    const bin = bins[cell] as number
    const at = (codes[cell] as number) * size + bin
    // A code beyond the categories, so missing, lies beyond the counts.
    if (bin >= 0 && at < counts.length) counts[at] = (counts[at] as number) + 1
  }
  const isNear = new Uint32Array(counts.length)
  for (let start = 0; start < counts.length; start += size) {
    isNear[start + grid.peak(counts.subarray(start, start + size))] = 1
    isNear.set(grid.withNeighbours(isNear.subarray(start, start + size)), start)
  }
  const { positions, dimensions } = embedding
  const sums = new Float64Array(categoryCount * 4)
  for (let cell = 0; cell < codes.length; cell++) {
    const category = codes[cell] as number
    const bin = bins[cell] as number
    if (bin < 0 || isNear[category * size + bin] !== 1) continue
    const from = cell * dimensions
    const at = category * 4
    sums[at] = (sums[at] as number) + (positions[from] as number)
    if (dimensions > 1) sums[at + 1] = (sums[at + 1] as number) + (positions[from + 1] as number)
    if (dimensions > 2) sums[at + 2] = (sums[at + 2] as number) + (positions[from + 2] as number)
    sums[at + 3] = (sums[at + 3] as number) + 1
  }
  for (let category = 0; category < categoryCount; category++) {
    const cells = sums[category * 4 + 3] as number
    for (let axis = 0; axis < 3; axis++) centers[category * 3 + axis] = (sums[category * 4 + axis] as number) / cells
  }
  return centers
}

/** The box of an embedding cut into equal bins. */
class Bins {
  /** how many there are */
  readonly size: number
  readonly #positions: Float32Array
  readonly #dimensions: number
  readonly #side: number
  readonly #bounds: Bounds

  constructor(embedding: Embedding) {
    const { positions, dimensions } = embedding
    this.#positions = positions
    this.#dimensions = dimensions
    this.#side = BINS[dimensions] ?? 1
    this.size = this.#side ** dimensions
    this.#bounds = boundsOf(embedding)
  }

  /** @returns the bin of each cell, -1 for a cell without a position */
  binsOfCells(): Int16Array {
    const positions = this.#positions
    const dimensions = this.#dimensions
    const side = this.#side
    const bins = new Int16Array(positions.length / dimensions)
    for (let axis = 0; axis < dimensions; axis++) {
      const low = this.#bounds.low[axis] as number // three axes
      const extent = (this.#bounds.high[axis] as number) - low
      const scale = extent > 0 ? side / extent : 0
      for (let cell = 0, from = axis; cell < bins.length; cell++, from += dimensions) {
        const bin = bins[cell] as number
        const step = ((positions[from] as number) - low) * scale
        // False for NaN; what is not finite lies in no bin.
        bins[cell] =
          bin >= 0 && step >= 0 && step < Number.POSITIVE_INFINITY ? bin * side + Math.min(side - 1, step | 0) : -1
      }
    }
    return bins
  }

  /** The bin whose neighbourhood holds the most; the fuller one itself where neighbourhoods are alike. */
  peak(counts: Uint32Array): number {
    const sums = this.withNeighbours(counts)
    let best = 0
    let most = -1
    for (let bin = 0; bin < counts.length; bin++) {
      const own = counts[bin] as number
      const score = (sums[bin] as number) + own / (own + 1)
      if (own === 0 || score <= most) continue
      best = bin
      most = score
    }
    return best
  }

  /** @returns for each bin the sum of it and all that touch it, along one axis after the other */
  withNeighbours(counts: Uint32Array): Uint32Array {
    const side = this.#side
    let sums = counts
    for (let stride = 1; stride < counts.length; stride *= side) {
      const before = sums
      sums = before.map((own, bin) => {
        const at = Math.floor(bin / stride) % side
        const lower = at > 0 ? (before[bin - stride] as number) : 0
        return own + lower + (at < side - 1 ? (before[bin + stride] as number) : 0)
      })
    }
    return sums
  }
}
