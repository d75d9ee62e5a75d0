import type { Embedding } from '../../protocol/column-frame.ts'

type Normalised = Pick<Embedding, 'positions' | 'center' | 'scale' | 'missingCells'>

/**
 * Move and scale coordinates so that the longest side becomes [-1, 1]: one centre per axis, one scale for all axes.
 * A row with a NaN or an infinity is a missing position: all of it becomes NaN, and the range leaves it out.
 * @param positions (n, dimensions) row-major; written to
 */
export function normalisePositions(positions: Float32Array, dimensions: number): Normalised {
  const missingCells = blankMissingRows(positions, dimensions)
  const { min, max } = axisRanges(positions, dimensions)
  const hasCells = min.every(Number.isFinite)
  const center = min.map((low, axis) => (hasCells ? low / 2 + (max[axis] ?? 0) / 2 : 0))
  const longest = Math.max(...min.map((low, axis) => (max[axis] ?? 0) / 2 - low / 2))
  // One cell, or all on one spot: any scale would do, and 0 would divide to NaN.
  const scale = hasCells && longest > 0 ? longest : 1
  for (let i = 0; i < positions.length; i += dimensions) {
    for (let axis = 0; axis < dimensions; axis++) {
      positions[i + axis] = ((positions[i + axis] ?? 0) - (center[axis] ?? 0)) / scale
    }
  }
  return { positions, center, scale, missingCells }
}

function blankMissingRows(positions: Float32Array, dimensions: number): number {
  let missing = 0
  for (let i = 0; i < positions.length; i += dimensions) {
    let sum = 0
    // 0 × a finite number is 0; 0 × NaN or an infinity is NaN.
    for (let axis = 0; axis < dimensions; axis++) sum += 0 * (positions[i + axis] ?? 0)
    if (sum === 0) continue
    positions.fill(Number.NaN, i, i + dimensions)
    missing++
  }
  return missing
}

function axisRanges(positions: Float32Array, dimensions: number): { min: number[]; max: number[] } {
  const min = new Array<number>(dimensions).fill(Number.POSITIVE_INFINITY)
  const max = new Array<number>(dimensions).fill(Number.NEGATIVE_INFINITY)
  for (let axis = 0; axis < dimensions; axis++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let i = axis; i < positions.length; i += dimensions) {
      const value = positions[i] ?? 0
      if (value < low) low = value
      if (value > high) high = value
    }
    min[axis] = low
    max[axis] = high
  }
  return { min, max }
}
