import type { Embedding } from '../../protocol/column-frame.ts'
import { finiteEnds, inPieces } from '../value-range.ts'
import type { Positions } from '../values/value-type.ts'

type Normalised = Pick<Embedding, 'positions' | 'center' | 'scale' | 'low' | 'high' | 'missingCells'>

/**
 * Move and scale coordinates, as doubles and before they are rounded to what travels, so that the longest side becomes [-1, 1]: one centre per axis, one scale for all axes.
 * A row with a NaN or an infinity is a missing position: all of it becomes NaN, and the range leaves it out.
 * @param given (n, dimensions) row-major; written to
 */
export function normalisePositions(given: Positions, dimensions: number): Normalised {
  const { min, max, missingCells } = measure(given, dimensions) ?? blankAndMeasure(given, dimensions)
  const hasCells = min.every(Number.isFinite)
  const center = min.map((low, axis) => (hasCells ? low / 2 + (max[axis] ?? 0) / 2 : 0))
  const longest = Math.max(...min.map((low, axis) => (max[axis] ?? 0) / 2 - low / 2))
  // One cell, or all on one spot: any scale would do, and 0 would divide to NaN.
  const scale = hasCells && longest > 0 ? longest : 1
  const positions = given instanceof Float32Array ? given : new Float32Array(given.length)
  for (let axis = 0; axis < dimensions; axis++) {
    const middle = center[axis] ?? 0
    inPieces(positions.length, dimensions, (start, end) => {
      move(given, positions, { start: start + axis, end, step: dimensions }, { middle, scale })
    })
  }
  // As the cells at the ends were moved and rounded, so are the ends.
  const ends = (values: number[]) =>
    values.map((end, axis) => (hasCells ? Math.fround((end - (center[axis] ?? 0)) / scale) : 0))
  return { positions, center, scale, low: ends(min), high: ends(max), missingCells }
}

function move(
  from: Positions,
  to: Float32Array,
  { start, end, step }: { start: number; end: number; step: number },
  { middle, scale }: { middle: number; scale: number },
): void {
  for (let i = start; i < end; i += step) to[i] = ((from[i] ?? 0) - middle) / scale
}

type Measured = { min: number[]; max: number[]; missingCells: number }

/** Where every position is there, as in most embeddings, without a question for each; `null` where one is missing. */
function measure(positions: Positions, dimensions: number): Measured | null {
  const [min, max]: [number[], number[]] = [[], []]
  for (let axis = 0; axis < dimensions; axis++) {
    const ends = finiteEnds(positions, axis, dimensions)
    if (ends === null) return null
    min.push(ends.min)
    max.push(ends.max)
  }
  return { min, max, missingCells: 0 }
}

/** One pass over at most three axes, written out: a million cells take some ten milliseconds. */
function blankAndMeasure(positions: Positions, dimensions: number): Measured {
  const [hasY, hasZ] = [dimensions > 1, dimensions > 2]
  let [lowX, lowY, lowZ] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  let [highX, highY, highZ] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let missingCells = 0
  for (let i = 0; i < positions.length; i += dimensions) {
    const x = positions[i] ?? 0
    const y = hasY ? (positions[i + 1] ?? 0) : 0
    const z = hasZ ? (positions[i + 2] ?? 0) : 0
    // 0 × a finite number is 0; 0 × NaN or an infinity is NaN.
    if (0 * x + 0 * y + 0 * z !== 0) {
      positions.fill(Number.NaN, i, i + dimensions)
      missingCells++
      continue
    }
    if (x < lowX) lowX = x
    if (x > highX) highX = x
    if (y < lowY) lowY = y
    if (y > highY) highY = y
    if (z < lowZ) lowZ = z
    if (z > highZ) highZ = z
  }
  const first = <T>(ends: T[]) => ends.slice(0, dimensions)
  return { min: first([lowX, lowY, lowZ]), max: first([highX, highY, highZ]), missingCells }
}
