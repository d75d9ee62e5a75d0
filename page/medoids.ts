import type { CodesColumn, Embedding } from '../protocol/column-frame.ts'

/**
 * For each category the cell that lies nearest to the middle of its cells: unlike the middle itself it never lies in a
 * gap, and it has a place on screen.
 * @returns shape (categories,), -1 where no cell of the category has a position
 */
export function medoids({ positions, dimensions }: Embedding, { codes, categories }: CodesColumn): Int32Array {
  const count = categories.length
  const sums = new Float64Array(count * dimensions)
  const sizes = new Uint32Array(count)
  const hasPlace = (cell: number) => Number.isFinite(positions[cell * dimensions] ?? Number.NaN)
  for (let cell = 0; cell < codes.length; cell++) {
    const code = codes[cell] ?? count
    if (code >= count || !hasPlace(cell)) continue
    sizes[code] = (sizes[code] ?? 0) + 1
    for (let axis = 0; axis < dimensions; axis++) {
      const at = code * dimensions + axis
      sums[at] = (sums[at] ?? 0) + (positions[cell * dimensions + axis] ?? 0)
    }
  }
  const nearest = new Int32Array(count).fill(-1)
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
  for (let cell = 0; cell < codes.length; cell++) {
    const code = codes[cell] ?? count
    if (code >= count || !hasPlace(cell)) continue
    let distance = 0
    for (let axis = 0; axis < dimensions; axis++) {
      const middle = (sums[code * dimensions + axis] ?? 0) / (sizes[code] ?? 1)
      distance += ((positions[cell * dimensions + axis] ?? 0) - middle) ** 2
    }
    if (distance < (distances[code] ?? 0)) {
      distances[code] = distance
      nearest[code] = cell
    }
  }
  return nearest
}
