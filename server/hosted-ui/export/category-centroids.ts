import type { CodesColumn } from '../../../protocol/column-frame.ts'

/** A category with fewer cells gets no label of its own on the picture, as in cellucid's own exports. */
const MIN_CELLS = 10
/** Of each category the cells that lie farther out than this part of them are left out of its middle. */
export const KEPT_QUANTILE = 0.95

export type Middle = { category: string; position: number[]; n_points: number }

/**
 * Where the label of each category belongs: the mean of its cells, without the outermost ones.
 * @param points (n, dimensions) row-major; a row with a NaN has no position
 */
export function categoryMiddles(
  { codes, categories }: CodesColumn,
  points: Float32Array,
  dimensions: number,
): Middle[] {
  const cells: number[][] = categories.map(() => [])
  for (let cell = 0; cell < codes.length; cell++) {
    if (!Number.isNaN(points[cell * dimensions])) cells[codes[cell] ?? categories.length]?.push(cell)
  }
  return categories.flatMap((category, code) => {
    const all = cells[code] ?? []
    if (all.length < MIN_CELLS) return []
    const near = withoutOutermost(all, points, dimensions)
    const kept = near.length < MIN_CELLS ? all : near
    return [{ category, position: meanOf(kept, points, dimensions), n_points: kept.length }]
  })
}

function withoutOutermost(cells: readonly number[], points: Float32Array, dimensions: number): number[] {
  if (cells.length === MIN_CELLS) return [...cells]
  const middle = meanOf(cells, points, dimensions)
  const distances = Float64Array.from(cells, (cell) => {
    let sum = 0
    for (let axis = 0; axis < dimensions; axis++) {
      sum += ((points[cell * dimensions + axis] ?? 0) - (middle[axis] ?? 0)) ** 2
    }
    return Math.sqrt(sum)
  })
  const limit = quantile(distances.toSorted(), KEPT_QUANTILE)
  return cells.filter((_, i) => (distances[i] ?? 0) <= limit)
}

/** Between two values in proportion, as numpy does. */
function quantile(sorted: Float64Array, part: number): number {
  const place = (sorted.length - 1) * part
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
  return below + (above - below) * (place - Math.floor(place))
}

function meanOf(cells: readonly number[], points: Float32Array, dimensions: number): number[] {
  const sums = new Float64Array(dimensions)
  for (const cell of cells) {
    for (let axis = 0; axis < dimensions; axis++)
      sums[axis] = (sums[axis] ?? 0) + (points[cell * dimensions + axis] ?? 0)
  }
  return Array.from(sums, (sum) => sum / cells.length)
}
