// Loops here run over cells and pixels; their indices stay within the arrays' lengths, which is why `as number` holds.
import { GROUP_SHIFT, HIDDEN, HIGHLIGHTED, SELECTED } from '../cell-flags.ts'
import type { ColorTable } from '../color/color-table.ts'
import type { Rgba } from '../color/css-color.ts'
import type { DrawOrder, Positions } from '../draw-order.ts'
import { project } from '../projection.ts'
import type { CellStore, Frame, Layer } from './layer.ts'

/** What a processor draws in some hundredths of a second. More cells than this are shown by a sample. */
const MOST_CELLS = 200_000
const DEPTHS = { dimmed: 0, lowest: 1, highlighted: 1000 } as const

/** Cells drawn by the processor onto a 2D canvas: opaque squares, for browsers without WebGL2. */
export class RasterLayer implements Layer {
  readonly cells = new RasterCells()
  readonly #context: CanvasRenderingContext2D
  #table: ColorTable = { entries: new Uint8Array(1024), rows: 1, missing: [0, 0, 0, 0], missingCode: 255 }

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context
  }

  setTable(table: ColorTable): void {
    this.#table = table
  }

  workOf(frame: Frame): number {
    return Math.min(frame.count, this.cells.count)
  }

  draw(frame: Frame, from: number, to: number): void {
    const { width, height } = this.#context.canvas
    const raster = new Raster(width, height, frame.background)
    for (let place = from; place < to; place++) {
      const square = this.#squareOf(place, frame)
      if (square === null) continue
      const [x, y, toward] = project(frame.projection, ...this.cells.position(place))
      const depth = frame.projection.perspective > 0 ? toward : square.depth
      raster.square([x * frame.ratio, y * frame.ratio], { ...square, depth })
    }
    this.#context.putImageData(raster.image, 0, 0)
  }

  dispose(): void {
    this.cells.clear()
  }

  /** null for a cell that is not drawn. */
  #squareOf(place: number, frame: Frame): Square | null {
    const flags = this.cells.flags?.[place] ?? 0
    const entry = this.#entry(this.cells.codes?.[place] ?? 0)
    const rank = entry[3]
    if (rank === 0 || (flags & HIDDEN) !== 0) return null
    if ((flags & HIGHLIGHTED) !== 0) {
      const color = frame.highlights[flags >> GROUP_SHIFT] ?? entry
      return { color, depth: DEPTHS.highlighted, diameter: frame.highlightDiameter }
    }
    if (frame.hasSelection && (flags & SELECTED) === 0) {
      return { color: frame.dimmed, depth: DEPTHS.dimmed, diameter: frame.diameter }
    }
    const diameter = frame.hasSelection ? frame.selectedDiameter : frame.diameter
    return { color: entry, depth: DEPTHS.lowest + rank, diameter }
  }

  #entry(code: number): Rgba {
    const { entries, missing, missingCode } = this.#table
    if (code === missingCode) return missing
    const at = code * 4
    return [entries[at] ?? 0, entries[at + 1] ?? 0, entries[at + 2] ?? 0, entries[at + 3] ?? 0]
  }
}

/** The start of the draw order, which is a fair sample. Cells jump to another embedding: on the way they would stutter. */
class RasterCells implements CellStore {
  readonly hasOldPositions = false
  readonly hasRanking = false
  count = 0
  codes: Uint8Array | Uint16Array | null = null
  flags: Uint8Array | null = null
  #positions = new Float32Array(0)
  #dimensions = 2

  position(place: number): [number, number, number] {
    const start = place * this.#dimensions
    const axis = (at: number) => (at < this.#dimensions ? (this.#positions[start + at] as number) : 0)
    return [axis(0), axis(1), axis(2)]
  }

  setPositions(positions: Positions, order: DrawOrder): void {
    this.count = order.sampleSize(MOST_CELLS)
    this.#dimensions = positions.dimensions
    this.#positions = order.dealPositions(positions).slice(0, this.count * positions.dimensions)
  }

  setCodes(codes: Uint8Array | Uint16Array | null, order: DrawOrder): void {
    this.codes = codes === null ? null : order.deal(codes).slice(0, order.sampleSize(MOST_CELLS))
  }

  setFlags(flags: Uint8Array | null, order: DrawOrder): void {
    this.flags = flags === null ? null : order.deal(flags).slice(0, order.sampleSize(MOST_CELLS))
  }

  dropOldPositions(): void {
    // None are kept.
  }

  setRanking(): void {
    // Squares are opaque: depth alone puts the high ones on top.
  }

  clear(): void {
    this.count = 0
    this.#positions = new Float32Array(0)
    this.codes = null
    this.flags = null
  }
}

type Square = { color: Rgba; depth: number; diameter: number }

/** An image with a depth for each pixel. */
class Raster {
  readonly image: ImageData
  /** one word a pixel, in the byte order of this machine; all that browsers run on have the low byte first */
  readonly #pixels: Uint32Array
  readonly #depths: Float32Array

  constructor(width: number, height: number, background: Rgba) {
    this.image = new ImageData(width, height)
    this.#pixels = new Uint32Array(this.image.data.buffer)
    this.#pixels.fill(wordOf(background))
    this.#depths = new Float32Array(width * height).fill(Number.NEGATIVE_INFINITY)
  }

  /** @param middle in pixels; a square without a place draws nothing */
  square([x, y]: readonly [number, number], { color, depth, diameter }: Square): void {
    const { width, height } = this.image
    const left = Math.max(0, Math.round(x - diameter / 2))
    const right = Math.min(width, Math.round(x + diameter / 2))
    const top = Math.max(0, Math.round(y - diameter / 2))
    const bottom = Math.min(height, Math.round(y + diameter / 2))
    const word = wordOf(color)
    for (let row = top; row < bottom; row++) {
      for (let at = row * width + left; at < row * width + right; at++) {
        if ((this.#depths[at] as number) > depth) continue
        this.#depths[at] = depth
        this.#pixels[at] = word
      }
    }
  }
}

function wordOf([red, green, blue]: Rgba): number {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0
}
