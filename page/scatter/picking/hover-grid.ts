// Loops here run over cells; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Bounds } from '../projection.ts'

const SIDE = 512
const SQUARES = SIDE * SIDE

/**
 * Cells of a flat embedding sorted into 512 x 512 squares: what lies near a point without looking at every cell. It is
 * made by a counting sort in as many steps as its owner likes, so that ten million cells do not stop the page.
 */
export class HoverGrid {
  readonly #positions: Float32Array
  readonly #cellCount: number
  readonly #origin: readonly [number, number]
  readonly #squaresPerUnit: readonly [number, number]
  /** where each square's cells start in `#cells`; while cells are counted, how many there are */
  readonly #starts = new Uint32Array(SQUARES + 1)
  #counted = 0
  #placed = 0
  #next = new Uint32Array(0)
  #cells = new Uint32Array(0)

  /** @param positions shape (n, 2) row-major, kept as it is; cells without a position are in no square */
  constructor(positions: Float32Array, { low, high }: Bounds) {
    this.#positions = positions
    this.#cellCount = positions.length / 2
    this.#origin = [low[0], low[1]]
    // An axis without extent puts all in its first square.
    this.#squaresPerUnit = [squaresPerUnit(high[0] - low[0]), squaresPerUnit(high[1] - low[1])]
  }

  /** Sort some cells in: all of them are counted first, then placed. @returns whether all are in their squares */
  advance(cellCount: number): boolean {
    if (this.#counted < this.#cellCount) this.#count(Math.min(this.#cellCount, this.#counted + cellCount))
    else this.#place(Math.min(this.#cellCount, this.#placed + cellCount))
    return this.#placed === this.#cellCount
  }

  /** Of a grid that is complete. @returns the nearest cell within `radius` (in units) that `isVisible`, or null */
  nearest(x: number, y: number, radius: number, isVisible: (cell: number) => boolean): number | null {
    let best: number | null = null
    let bestSquared = radius * radius
    const [left, right] = [this.#column(x - radius), this.#column(x + radius)]
    const [bottom, top] = [this.#row(y - radius), this.#row(y + radius)]
    for (let row = bottom; row <= top; row++) {
      // Squares of a row lie one behind the other, and so do their cells.
      const end = this.#starts[row * SIDE + right + 1] as number
      for (let i = this.#starts[row * SIDE + left] as number; i < end; i++) {
        const cell = this.#cells[i] as number
        const dx = (this.#positions[cell * 2] as number) - x
        const dy = (this.#positions[cell * 2 + 1] as number) - y
        const squared = dx * dx + dy * dy
        if (squared > bestSquared || (squared === bestSquared && best !== null) || !isVisible(cell)) continue
        best = cell
        bestSquared = squared
      }
    }
    return best
  }

  #count(end: number): void {
    for (let cell = this.#counted; cell < end; cell++) {
      const square = this.#squareOf(cell)
      if (square >= 0) this.#starts[square + 1] = (this.#starts[square + 1] as number) + 1
    }
    this.#counted = end
    if (end < this.#cellCount) return
    for (let square = 0; square < SQUARES; square++) {
      this.#starts[square + 1] = (this.#starts[square + 1] as number) + (this.#starts[square] as number)
    }
    this.#next = this.#starts.slice()
    this.#cells = new Uint32Array(this.#starts[SQUARES] as number)
  }

  #place(end: number): void {
    for (let cell = this.#placed; cell < end; cell++) {
      const square = this.#squareOf(cell)
      if (square < 0) continue
      const place = this.#next[square] as number
      this.#cells[place] = cell
      this.#next[square] = place + 1
    }
    this.#placed = end
    if (end === this.#cellCount) this.#next = new Uint32Array(0)
  }

  #squareOf(cell: number): number {
    const x = this.#positions[cell * 2] as number
    const y = this.#positions[cell * 2 + 1] as number
    return Number.isFinite(x) && Number.isFinite(y) ? this.#row(y) * SIDE + this.#column(x) : -1
  }

  #column(x: number): number {
    return clampSquare((x - this.#origin[0]) * this.#squaresPerUnit[0])
  }

  #row(y: number): number {
    return clampSquare((y - this.#origin[1]) * this.#squaresPerUnit[1])
  }
}

function squaresPerUnit(extent: number): number {
  return extent > 0 ? SIDE / extent : 0
}

function clampSquare(square: number): number {
  return Math.min(SIDE - 1, Math.max(0, Math.floor(square)))
}
