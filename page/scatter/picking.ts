// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../protocol/column-frame.ts'
import { HoverGrid } from './hover-grid.ts'
import { Polygon } from './polygon.ts'
import { type Bounds, type Projection, unproject, type Vector } from './projection.ts'

/** Cells sorted into the grid at a time: some milliseconds, within which the page can still answer. */
const GRID_STEP_CELLS = 250_000

const BLOCK_CELLS = 1024

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
    const across = x - projection.width / 2
    const above = projection.height / 2 - y
    let front: number | null = null
    let frontHeight = Number.NEGATIVE_INFINITY
    this.#forEachBlock(projection, (places, first) => {
      for (let i = 0; i < places.length; i += 4) {
        const divisor = places[i + 3] as number
        const dx = (places[i] as number) - across * divisor
        const dy = (places[i + 1] as number) - above * divisor
        const reach = radius * divisor
        // False for NaN.
        if (!(dx * dx + dy * dy <= reach * reach)) continue
        const height = places[i + 2] as number
        const cell = first + i / 4
        if (height <= frontHeight || !isVisible(cell)) continue
        front = cell
        frontHeight = height
      }
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
    const middle = [projection.width / 2, projection.height / 2] as const
    const polygon = new Polygon(points.map(([x, y]) => [x - middle[0], middle[1] - y]))
    const found = new Uint32Array(this.cellCount)
    let count = 0
    this.#forEachBlock(projection, (places, first) => {
      for (let i = 0; i < places.length; i += 4) {
        const divisor = places[i + 3] as number
        const isInside = polygon.contains((places[i] as number) / divisor, (places[i + 1] as number) / divisor)
        if (isInside && isVisible(first + i / 4)) found[count++] = first + i / 4
      }
    })
    return found.slice(0, count)
  }

  /**
   * `project` for every cell, in blocks that stay in the processor's cache: a call for each of a million cells takes
   * longer than all the rest.
   * @param visit takes four numbers a cell: right and up from the middle of the canvas, still to be divided by the
   * fourth, and the height toward the viewer
   */
  #forEachBlock(
    { pixels, perspective, center, ...axes }: Projection,
    visit: (places: Float64Array, first: number) => void,
  ): void {
    const [rx, ry, rz, r0] = plane(axes.right, pixels, center)
    const [ux, uy, uz, u0] = plane(axes.up, pixels, center)
    const [tx, ty, tz, t0] = plane(axes.toward, 1, center)
    const positions = this.#positions
    const dimensions = this.#dimensions
    const { cellCount } = this
    const block = new Float64Array(BLOCK_CELLS * 4)
    for (let first = 0; first < cellCount; first += BLOCK_CELLS) {
      const places = block.subarray(0, (cellCount - first) * 4)
      for (let i = 0, from = first * dimensions; i < places.length; i += 4, from += dimensions) {
        const x = positions[from] as number
        const y = dimensions > 1 ? (positions[from + 1] as number) : 0
        const z = dimensions > 2 ? (positions[from + 2] as number) : 0
        const height = tx * x + ty * y + tz * z + t0
        places[i] = rx * x + ry * y + rz * z + r0
        places[i + 1] = ux * x + uy * y + uz * z + u0
        places[i + 2] = height
        places[i + 3] = 1 - perspective * height
      }
      visit(places, first)
    }
  }
}

/** How far along an axis from the centre, as factors of the three coordinates and a summand. */
function plane([x, y, z]: Vector, scale: number, center: Vector): [number, number, number, number] {
  return [x * scale, y * scale, z * scale, -scale * (x * center[0] + y * center[1] + z * center[2])]
}
