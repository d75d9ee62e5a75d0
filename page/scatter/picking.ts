// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../protocol/column-frame.ts'
import { HoverGrid } from './hover-grid.ts'
import { Polygon } from './polygon.ts'
import { type Bounds, type Projection, project, unproject } from './projection.ts'

export type Visibility = (cell: number) => boolean

/** Finds cells by place on the canvas, with the projection that drew them. One embedding; its grid is made on first use. */
export class Picking {
  readonly #positions: Float32Array
  readonly #dimensions: number
  readonly #bounds: Bounds
  #grid: HoverGrid | null = null

  constructor(embedding: Embedding, bounds: Bounds) {
    this.#positions = embedding.positions
    this.#dimensions = embedding.dimensions
    this.#bounds = bounds
  }

  get cellCount(): number {
    return this.#positions.length / this.#dimensions
  }

  /** @returns the visible cell nearest to a CSS pixel within `radius` pixels; in 3D the front one of them */
  cellAt(projection: Projection, at: readonly [number, number], radius: number, isVisible: Visibility): number | null {
    if (this.#dimensions !== 2) return this.#frontCellAt(projection, at, radius, isVisible)
    this.#grid ??= new HoverGrid(this.#positions, this.#bounds)
    const [x, y] = unproject(projection, ...at)
    return this.#grid.nearest(x, y, radius / projection.pixels, isVisible)
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

  #frontCellAt(
    projection: Projection,
    [x, y]: readonly [number, number],
    radius: number,
    isVisible: Visibility,
  ): number | null {
    let front: number | null = null
    let frontHeight = Number.NEGATIVE_INFINITY
    for (let cell = 0; cell < this.cellCount; cell++) {
      const [px, py, height] = this.#project(projection, cell)
      const isNear = Math.hypot(px - x, py - y) <= radius // false for NaN
      if (!isNear || height <= frontHeight || !isVisible(cell)) continue
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
    const polygon = new Polygon(points)
    const found = new Uint32Array(this.cellCount)
    let count = 0
    for (let cell = 0; cell < found.length; cell++) {
      const [x, y] = this.#project(projection, cell)
      if (polygon.contains(x, y) && isVisible(cell)) found[count++] = cell
    }
    return found.slice(0, count)
  }

  #project(projection: Projection, cell: number): [number, number, number] {
    const start = cell * this.#dimensions
    const y = this.#dimensions > 1 ? (this.#positions[start + 1] as number) : 0
    const z = this.#dimensions > 2 ? (this.#positions[start + 2] as number) : 0
    return project(projection, this.#positions[start] as number, y, z)
  }
}
