// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../protocol/column-frame.ts'
import { HoverGrid } from './hover-grid.ts'
import { Polygon } from './polygon.ts'
import { type Bounds, type Projection, unproject } from './projection.ts'

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
    let front: number | null = null
    let frontHeight = Number.NEGATIVE_INFINITY
    this.#forEachPlace(projection, (cell, px, py, height) => {
      const dx = px - x
      const dy = py - y
      // False for NaN.
      if (!(dx * dx + dy * dy <= radius * radius) || height <= frontHeight || !isVisible(cell)) return
      front = cell
      frontHeight = height
    })
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
    const polygon = new Polygon(points)
    const found = new Uint32Array(this.cellCount)
    let count = 0
    this.#forEachPlace(projection, (cell, x, y) => {
      if (polygon.contains(x, y) && isVisible(cell)) found[count++] = cell
    })
    return found.slice(0, count)
  }

  /** `project` for every cell, written out: an array for each of a million results takes longer than all the rest. */
  #forEachPlace(projection: Projection, visit: (cell: number, x: number, y: number, height: number) => void): void {
    const positions = this.#positions
    const dimensions = this.#dimensions
    const { pixels, perspective } = projection
    const [cx, cy, cz] = projection.center
    const [rx, ry, rz] = projection.right
    const [ux, uy, uz] = projection.up
    const [tx, ty, tz] = projection.toward
    const [middleX, middleY] = [projection.width / 2, projection.height / 2]
    const { cellCount } = this
    for (let cell = 0; cell < cellCount; cell++) {
      const start = cell * dimensions
      const dx = (positions[start] as number) - cx
      const dy = (dimensions > 1 ? (positions[start + 1] as number) : 0) - cy
      const dz = (dimensions > 2 ? (positions[start + 2] as number) : 0) - cz
      const height = dx * tx + dy * ty + dz * tz
      const scale = pixels / (1 - perspective * height)
      const x = middleX + (dx * rx + dy * ry + dz * rz) * scale
      visit(cell, x, middleY - (dx * ux + dy * uy + dz * uz) * scale, height)
    }
  }
}
