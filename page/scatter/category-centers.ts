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
  const counts = new Uint32Array(categoryCount * grid.size)
  for (let cell = 0; cell < codes.length; cell++) {
    const category = codes[cell] as number
    const bin = grid.binOf(cell)
    if (bin < 0 || category >= categoryCount) continue
    const at = category * grid.size + bin
    counts[at] = (counts[at] as number) + 1
  }
  const peaks = Array.from({ length: categoryCount }, (_, category) =>
    grid.peak(counts.subarray(category * grid.size, (category + 1) * grid.size)),
  )
  const sums = new Float64Array(categoryCount * 4)
  for (let cell = 0; cell < codes.length; cell++) {
    const category = codes[cell] as number
    const peak = peaks[category]
    const bin = grid.binOf(cell)
    if (peak === undefined || bin < 0 || !grid.areNear(bin, peak)) continue
    for (let axis = 0; axis < 3; axis++) {
      sums[category * 4 + axis] = (sums[category * 4 + axis] as number) + grid.coordinate(cell, axis)
    }
    sums[category * 4 + 3] = (sums[category * 4 + 3] as number) + 1
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

  constructor({ positions, dimensions }: Embedding) {
    this.#positions = positions
    this.#dimensions = Math.min(3, dimensions)
    this.#side = BINS[this.#dimensions] ?? 1
    this.size = this.#side ** this.#dimensions
    this.#bounds = boundsOf(positions, dimensions)
  }

  coordinate(cell: number, axis: number): number {
    return axis < this.#dimensions ? (this.#positions[cell * this.#dimensions + axis] as number) : 0
  }

  /** -1 for a cell without a position */
  binOf(cell: number): number {
    let bin = 0
    for (let axis = 0; axis < this.#dimensions; axis++) {
      const value = this.coordinate(cell, axis)
      if (!Number.isFinite(value)) return -1
      const low = this.#bounds.low[axis] as number // three axes
      const extent = (this.#bounds.high[axis] as number) - low
      const step = extent > 0 ? Math.floor(((value - low) / extent) * this.#side) : 0
      bin = bin * this.#side + Math.min(this.#side - 1, step)
    }
    return bin
  }

  areNear(a: number, b: number): boolean {
    let [restA, restB] = [a, b]
    for (let axis = 0; axis < this.#dimensions; axis++) {
      if (Math.abs((restA % this.#side) - (restB % this.#side)) > 1) return false
      restA = Math.floor(restA / this.#side)
      restB = Math.floor(restB / this.#side)
    }
    return true
  }

  /** The bin whose neighbourhood holds the most; the fuller one itself where neighbourhoods are alike. */
  peak(counts: Uint32Array): number {
    let best = 0
    let most = -1
    for (let bin = 0; bin < counts.length; bin++) {
      const own = counts[bin] as number
      if (own === 0) continue
      const score = this.#neighbours(bin).reduce((sum, near) => sum + (counts[near] as number), 0) + own / (own + 1)
      if (score <= most) continue
      best = bin
      most = score
    }
    return best
  }

  #neighbours(bin: number): number[] {
    let bins = [0]
    let unit = 1
    let rest = bin
    for (let axis = 0; axis < this.#dimensions; axis++) {
      const at = rest % this.#side
      const steps = [at - 1, at, at + 1].filter((step) => step >= 0 && step < this.#side)
      const weight = unit
      bins = bins.flatMap((partial) => steps.map((step) => partial + step * weight))
      unit *= this.#side
      rest = Math.floor(rest / this.#side)
    }
    return bins
  }
}
