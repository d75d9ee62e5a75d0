// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../../protocol/column-frame.ts'
import { type Bounds, type Projection, unproject, type Vector } from '../projection.ts'
import { HoverGrid } from './hover-grid.ts'
import { Polygon } from './polygon.ts'

/** Cells sorted into the grid at a time: some milliseconds, within which the page can still answer. */
const GRID_STEP_CELLS = 250_000

export type Visibility = (cell: number) => boolean

/** Finds cells by place on the canvas, with the projection that drew them. One embedding; its grid is made on first use. */
export class Picking {
  readonly #positions: Float32Array
  readonly #dimensions: number
  readonly #bounds: Bounds
  #grid: HoverGrid | null = null
  #hasGrid = false
  #gridTimer: ReturnType<typeof setTimeout> | undefined

  constructor(embedding: Embedding, bounds: Bounds) {
    this.#positions = embedding.positions
    this.#dimensions = embedding.dimensions
    this.#bounds = bounds
  }

  get cellCount(): number {
    return this.#positions.length / this.#dimensions
  }

  /**
   * @returns the visible cell nearest to a CSS pixel within `radius` pixels; in 3D the front one of them. In a large
   * embedding nothing is found for a moment after the first call, while the grid is made
   */
  cellAt(projection: Projection, at: readonly [number, number], radius: number, isVisible: Visibility): number | null {
    if (this.#dimensions !== 2) return this.#frontCellAt(projection, at, radius, isVisible)
    const grid = this.#completeGrid()
    if (grid === null) return null
    const [x, y] = unproject(projection, ...at)
    return grid.nearest(x, y, radius / projection.pixels, isVisible)
  }

  /** @returns visible cells inside a polygon of CSS pixels by the even-odd rule, ascending */
  cellsIn(projection: Projection, points: readonly (readonly [number, number])[], isVisible: Visibility): Uint32Array {
    if (points.length < 3) return new Uint32Array(0)
    return this.#dimensions === 2
      ? this.#flatCellsIn(projection, points, isVisible)
      : this.#projectedCellsIn(projection, points, isVisible)
  }

  position(cell: number): readonly [number, number, number] | null {
    if (!Number.isInteger(cell) || cell < 0 || cell >= this.cellCount) return null
    const start = cell * this.#dimensions
    const axes = [...this.#positions.subarray(start, start + this.#dimensions)]
    const [x = 0, y = 0, z = 0] = axes
    return axes.every(Number.isFinite) ? [x, y, z] : null
  }

  dispose(): void {
    clearTimeout(this.#gridTimer)
  }

  #completeGrid(): HoverGrid | null {
    if (this.#grid === null) {
      this.#grid = new HoverGrid(this.#positions, this.#bounds)
      this.#advanceGrid(this.#grid)
    }
    return this.#hasGrid ? this.#grid : null
  }

  /** Counting and placing of a small embedding are done at once; each further step waits for its turn. */
  #advanceGrid(grid: HoverGrid): void {
    grid.advance(GRID_STEP_CELLS)
    this.#hasGrid = grid.advance(GRID_STEP_CELLS)
    if (!this.#hasGrid) this.#gridTimer = setTimeout(() => this.#advanceGrid(grid))
  }

  #frontCellAt(
    projection: Projection,
    [x, y]: readonly [number, number],
    radius: number,
    isVisible: Visibility,
  ): number | null {
    const { right, up, toward, divisor } = planesOf(projection)
    const [ax, ay, az, a0] = beside(right, x - projection.width / 2, divisor)
    const [bx, by, bz, b0] = beside(up, projection.height / 2 - y, divisor)
    const [wx, wy, wz, w0] = divisor
    const [tx, ty, tz] = toward // no summand: heights are only compared
    const positions = this.#positions
    const dimensions = this.#dimensions
    let front: number | null = null
    let frontHeight = Number.NEGATIVE_INFINITY
    for (let cell = 0, from = 0; from < positions.length; cell++, from += dimensions) {
      const px = positions[from] as number
      const py = dimensions > 1 ? (positions[from + 1] as number) : 0
      const pz = dimensions > 2 ? (positions[from + 2] as number) : 0
      const dx = ax * px + ay * py + az * pz + a0
      const dy = bx * px + by * py + bz * pz + b0
      const reach = radius * (wx * px + wy * py + wz * pz + w0)
      // False for NaN.
      if (!(dx * dx + dy * dy <= reach * reach)) continue
      const height = tx * px + ty * py + tz * pz
      if (height <= frontHeight || !isVisible(cell)) continue
      front = cell
      frontHeight = height
    }
    return front
  }

  /** In 2D the few corners are taken to the cells, not the many cells to the screen. */
  #flatCellsIn(
    projection: Projection,
    points: readonly (readonly [number, number])[],
    isVisible: Visibility,
  ): Uint32Array {
    const polygon = new Polygon(
      points.map(([x, y]) => {
        const corner = unproject(projection, x, y)
        return [corner[0], corner[1]] as const
      }),
    )
    const found = new Uint32Array(this.cellCount)
    let count = 0
    for (let cell = 0; cell < found.length; cell++) {
      const x = this.#positions[cell * 2] as number
      const y = this.#positions[cell * 2 + 1] as number
      if (polygon.contains(x, y) && isVisible(cell)) found[count++] = cell
    }
    return found.slice(0, count)
  }

  #projectedCellsIn(
    projection: Projection,
    points: readonly (readonly [number, number])[],
    isVisible: Visibility,
  ): Uint32Array {
    const middle = [projection.width / 2, projection.height / 2] as const
    const polygon = new Polygon(points.map(([x, y]) => [x - middle[0], middle[1] - y]))
    const { right, up, divisor } = planesOf(projection)
    const [rx, ry, rz, r0] = right
    const [ux, uy, uz, u0] = up
    const [wx, wy, wz, w0] = divisor
    const positions = this.#positions
    const dimensions = this.#dimensions
    const found = new Uint32Array(this.cellCount)
    let count = 0
    for (let cell = 0, from = 0; cell < found.length; cell++, from += dimensions) {
      const x = positions[from] as number
      const y = dimensions > 1 ? (positions[from + 1] as number) : 0
      const z = dimensions > 2 ? (positions[from + 2] as number) : 0
      const w = wx * x + wy * y + wz * z + w0
      const across = (rx * x + ry * y + rz * z + r0) / w
      const above = (ux * x + uy * y + uz * z + u0) / w
      if (polygon.contains(across, above) && isVisible(cell)) found[count++] = cell
    }
    return found.slice(0, count)
  }
}

/** Factors of the three coordinates, and a summand. */
type Plane = readonly [number, number, number, number]

/**
 * `project`, written out for loops over all cells: a call for each of a million takes longer than all the rest. Right and
 * up are pixels from the middle of the canvas, still to be divided by the divisor; toward is the height in units.
 */
function planesOf({
  pixels,
  perspective,
  center,
  right,
  up,
  toward,
}: Projection): Record<'right' | 'up' | 'toward' | 'divisor', Plane> {
  const [x, y, z, summand] = plane(toward, -perspective, center)
  return {
    right: plane(right, pixels, center),
    up: plane(up, pixels, center),
    toward: plane(toward, 1, center),
    divisor: [x, y, z, summand + 1],
  }
}

/** How far along an axis from the centre. */
function plane([x, y, z]: Vector, scale: number, center: Vector): Plane {
  return [x * scale, y * scale, z * scale, -scale * (x * center[0] + y * center[1] + z * center[2])]
}

/** Pixels from the line of sight through a pixel, times the divisor: as simple a sum as without perspective. */
function beside([x, y, z, summand]: Plane, pixel: number, [dx, dy, dz, divisor]: Plane): Plane {
  return [x - pixel * dx, y - pixel * dy, z - pixel * dz, summand - pixel * divisor]
}
