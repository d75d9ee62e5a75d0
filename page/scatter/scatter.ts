import type { Embedding } from '../../protocol/column-frame.ts'
import type { Camera } from '../../protocol/state.ts'
import { CameraControl } from './camera-control.ts'
import { MAX_GROUPS } from './cell-flags.ts'
import type { Coloring } from './color/coloring.ts'
import { parseColor, type Rgba } from './color/css-color.ts'
import { THEME_COLORS, type Theme } from './color/theme.ts'
import { DrawLoop } from './draw-loop.ts'
import { canvasMeasure, paintPicture, pngOf } from './export/picture-canvas.ts'
import { type LegendPicture, layoutPicture, type PictureLayout } from './export/picture-layout.ts'
import { svgPicture } from './export/picture-svg.ts'
import { type Label, placeLabels } from './labels.ts'
import type { Frame, Layer } from './layers/layer.ts'
import { Screen } from './layers/screen.ts'
import { Picking } from './picking/picking.ts'
import { type PointStyle, pointDiameter, pointOpacity, SMALLEST_SELECTED } from './point-style.ts'
import { type Projection, project } from './projection.ts'
import { Scene } from './scene.ts'

export type { Theme } from './color/theme.ts'
export type { LegendPicture } from './export/picture-layout.ts'
export type { Label } from './labels.ts'

export type ScatterOptions = {
  theme: Theme
  /** after each change of the camera, also by the setter */
  onCamera?(camera: Camera): void
}

/** What stands around and over the points of a picture. */
export type PictureContent = {
  legend: LegendPicture | null
  title: string | null
  /** names over the points, the most important first; one that would cover an earlier one is left out */
  labels?: readonly Label[]
}

export type HighlightGroup = { color: string; cells: Uint32Array }

type Point = readonly [number, number]

/** While the camera moves, so many cells are drawn: the start of the draw order is a fair sample of all. */
const MOVING_CELLS = 250_000
/** The camera rests when no frame of its way was drawn for so long: a slow card's frames come late, not to their end. */
const REST_MS = 160
/** How long cells are on their way from one embedding to the next. */
const MORPH_MS = 700
/** How far from a cell's edge the pointer may be, CSS pixels. */
const PICK_SLOP = 3
const HIGHLIGHT_GROWTH = 1.5
const SMALLEST_HIGHLIGHT = 4
const UNKNOWN_HIGHLIGHT: Rgba = [255, 0, 0, 255]

/**
 * Cells as points on a canvas, drawn by WebGL2; where there is none, a sample of them drawn by the processor. Coordinates in and out are CSS pixels from the canvas's upper left
 * corner. Arrays given to it are kept, not copied: they must not change afterwards.
 */
export class Scatter {
  readonly #canvas: HTMLCanvasElement
  readonly #options: ScatterOptions
  readonly #scene: Scene
  readonly #screen: Screen
  readonly #control: CameraControl
  readonly #loop = new DrawLoop(() => this.#draw())
  #theme: Theme
  #style: PointStyle = { pointSize: null, opacity: null }
  #highlights: readonly Rgba[] = []
  #picking: Picking | null = null
  #morph: { from: Projection; startMs: number } | null = null
  #isMoving = false
  #restTimer: ReturnType<typeof setTimeout> | undefined
  /** The graphics context is back for one picture only. */
  #isBorrowed = false
  #lastPainted: Promise<unknown> = Promise.resolve()

  /** @throws Error with a sentence for the user where the browser cannot draw at all */
  constructor(canvas: HTMLCanvasElement, options: ScatterOptions) {
    this.#canvas = canvas
    this.#options = options
    this.#theme = options.theme
    this.#scene = new Scene(THEME_COLORS[options.theme])
    this.#screen = new Screen(canvas, {
      resized: () => this.#loop.now(),
      contextLost: () => this.#contextLost(),
      contextRestored: () => this.#contextRestored(),
    })
    this.#control = new CameraControl(
      () => ({ ...this.#screen.size, ...this.#scene.stage }),
      (camera) => this.#cameraMoved(camera),
    )
    this.requestDraw()
  }

  /** A sentence for the user where the browser draws less than it should; else null. */
  get limitation(): string | null {
    return this.#screen.limitation
  }

  /**
   * Show other positions; the same cells move there, unless the user prefers less motion. Another embedding is seen
   * whole; the camera of the same one stays, as does one that was set before the first embedding came.
   */
  setEmbedding(embedding: Embedding | null): void {
    const old = this.#scene.embedding
    const cellCount = embedding === null ? 0 : embedding.positions.length / embedding.dimensions
    const isWay = old !== null && old !== embedding && cellCount === this.#scene.cellCount && this.#mayMove()
    this.#morph = isWay ? { from: this.#control.projection, startMs: performance.now() } : null
    this.#scene.setEmbedding(embedding, isWay)
    this.#picking?.dispose()
    this.#picking = embedding === null ? null : new Picking(embedding, this.#scene.stage.bounds)
    const isOther = old !== null && (old.key !== embedding?.key || old.dimensions !== embedding.dimensions)
    if (isOther && !this.#control.isHome) this.#control.reset()
    this.requestDraw()
  }

  /** `null` draws all cells in one neutral colour. A colouring of another number of cells is drawn as `null`. */
  setColor(coloring: Coloring | null): void {
    this.#scene.setColoring(coloring)
    // A first colour that comes before its cells is no picture that they should wait for.
    if (this.#scene.cellCount > 0) this.requestDraw()
  }

  /** All other cells turn grey; `null` and an empty list select nothing and grey nothing. */
  setSelection(cells: Uint32Array | null): void {
    this.#scene.setSets({ selected: cells ?? new Uint32Array(0) })
    this.requestDraw()
  }

  /** Cells drawn larger, on top, each group in its own CSS colour. From the 32nd group on the last one's colour is used. */
  setHighlights(groups: readonly HighlightGroup[]): void {
    this.#highlights = groups.slice(0, MAX_GROUPS).map(({ color }) => parseColor(color) ?? UNKNOWN_HIGHLIGHT)
    this.#scene.setSets({ highlights: groups.map(({ cells }) => cells) })
    this.requestDraw()
  }

  setHidden(cells: Uint32Array): void {
    this.#scene.setSets({ hidden: cells })
    this.requestDraw()
  }

  setTheme(theme: Theme): void {
    this.#theme = theme
    this.#scene.setColors(THEME_COLORS[theme])
    this.requestDraw()
  }

  /** Diameter in CSS pixels and opacity from 0 to 1; `null` is automatic by the number of cells. */
  setStyle(style: { pointSize?: number | null; opacity?: number | null }): void {
    this.#style = { ...this.#style, ...style }
    this.requestDraw()
  }

  get camera(): Camera {
    return this.#control.camera
  }

  set camera(camera: Camera) {
    this.#control.camera = camera
  }

  resetCamera(): void {
    this.#control.reset()
  }

  /** @param at the CSS pixel that stays where it is; without it the middle */
  zoomBy(factor: number, at?: Point): void {
    this.#isOnItsWay()
    this.#control.zoomBy(factor, at)
  }

  panBy(dx: number, dy: number): void {
    this.#isOnItsWay()
    this.#control.panBy(dx, dy)
  }

  /** Turn a 3D embedding as if the pointer held its front. Does nothing in 2D. */
  orbitBy(dx: number, dy: number): void {
    this.#isOnItsWay()
    this.#control.orbitBy(dx, dy)
  }

  /** @returns the cell under a CSS pixel, or null; in 3D the front one */
  pick(x: number, y: number): number | null {
    if (this.#picking === null || !this.#screen.hasSize) return null
    const radius = this.diameter / 2 + PICK_SLOP
    return this.#picking.cellAt(this.#control.projection, [x, y], radius, this.#scene.isVisible)
  }

  /**
   * Exact, by the even-odd rule, at any zoom, also where cells lie outside of the canvas.
   * @returns visible cells, ascending
   */
  cellsInPolygon(points: readonly Point[]): Uint32Array {
    if (this.#picking === null || !this.#screen.hasSize) return new Uint32Array(0)
    return this.#picking.cellsIn(this.#control.projection, points, this.#scene.isVisible)
  }

  /** @returns the CSS pixel of a cell, also outside of the canvas; null for a cell without a position */
  screenPosition(cell: number): [number, number] | null {
    const position = this.#picking?.position(cell) ?? null
    if (position === null || !this.#screen.hasSize) return null
    const [x, y] = project(this.#control.projection, ...position)
    return [x, y]
  }

  /** @returns the CSS pixel of a point of the embedding, also outside of the canvas */
  projectPoint(at: readonly [number, number, number]): [number, number] {
    const [x, y] = project(this.#control.projection, ...at)
    return [x, y]
  }

  /**
   * The picture with all cells, also while the screen shows a sample, and after `release`.
   * @param options.scale image pixels a CSS pixel
   * @throws Error while the canvas has no size or its graphics context is lost
   */
  async toPng(options: PictureContent & { scale: number }): Promise<Blob> {
    const picture = await this.#painted(options.scale, () => this.#layout(options))
    return await pngOf(picture)
  }

  /** As `toPng`, with everything but the points as shapes and text. */
  async toSvg(options: PictureContent & { scale: number }): Promise<Blob> {
    const { width, height } = this.#screen.size
    const plain = layoutPicture({ width, height, legend: null, title: null, labels: [] }, canvasMeasure())
    const picture = await this.#painted(options.scale, () => plain)
    const points = { url: picture.toDataURL('image/png'), width, height }
    return new Blob([svgPicture(this.#layout(options), points, THEME_COLORS[this.#theme])], { type: 'image/svg+xml' })
  }

  requestDraw(): void {
    this.#screen.restartRefinement()
    this.#loop.request()
  }

  /** Resolves when the canvas shows all that was set; at once after `release`, when nothing is drawn. */
  whenDrawn(): Promise<void> {
    return this.#screen.isReleased ? Promise.resolve() : this.#loop.drawn()
  }

  /**
   * Give the graphics context back to the browser, which has about 16 for all viewers of a notebook. The canvas is empty
   * then: put the last `toPng` in its place.
   */
  release(): void {
    this.#screen.release()
    this.#loop.letGo()
  }

  /** Draw again after `release`. */
  restore(): void {
    this.#isBorrowed = false
    this.#screen.restore()
    this.requestDraw()
  }

  dispose(): void {
    clearTimeout(this.#restTimer)
    this.#picking?.dispose()
    this.#loop.cancel()
    this.#screen.dispose()
  }

  #layout({ legend, title, labels = [] }: PictureContent): PictureLayout {
    const { width, height } = this.#screen.size
    const measure = canvasMeasure()
    const project = (at: readonly [number, number, number]) => this.projectPoint(at)
    const placed = placeLabels(labels, { width, height, project }, measure)
    return layoutPicture({ width, height, legend, title, labels: placed }, measure)
  }

  /** One after the other: each may have to borrow the graphics context, and gives it back. */
  #painted(wanted: number, layout: () => PictureLayout): Promise<HTMLCanvasElement> {
    const painted = this.#lastPainted.then(() => this.#paint(wanted, layout))
    this.#lastPainted = painted.catch(() => undefined)
    return painted
  }

  /** Draw and read in one task, since the browser may empty the canvas after it. */
  async #paint(wanted: number, layout: () => PictureLayout): Promise<HTMLCanvasElement> {
    const { isReleased } = this.#screen
    if (isReleased) {
      this.restore()
      this.#isBorrowed = true
      await this.whenDrawn()
    }
    try {
      return this.#paintedNow(wanted, layout())
    } finally {
      if (isReleased && this.#isBorrowed) this.release()
    }
  }

  #paintedNow(wanted: number, layout: PictureLayout): HTMLCanvasElement {
    const { layer } = this.#screen
    if (layer === null) throw new Error('There is no picture to save: the viewer is not on screen.')
    const { result, isEmptied } = this.#screen.atScale(wanted, (scale) => {
      const frame = this.#frame(this.#scene.cellCount, scale)
      this.#upload(layer, frame)
      this.#screen.draw(layer, frame)
      return paintPicture(this.#canvas, layout, { scale, colors: THEME_COLORS[this.#theme] })
    })
    if (isEmptied) this.#loop.now()
    return result
  }

  /** Of a point as it is drawn now, CSS pixels. */
  get diameter(): number {
    return pointDiameter(this.#style, {
      ...this.#screen.size,
      cellCount: this.#scene.cellCount,
      zoom: this.#control.zoom,
    })
  }

  /** @returns whether the canvas now shows all that was set */
  #draw(): boolean {
    this.#screen.measure()
    const { layer } = this.#screen
    if (layer === null) return false
    const morph = this.#currentMorph(layer)
    if (morph !== null || this.#isMoving) {
      const frame = { ...this.#frame(this.#scene.sampleSize(MOVING_CELLS), this.#screen.size.ratio), morph }
      this.#upload(layer, frame)
      this.#screen.draw(layer, frame)
      if (this.#isMoving) this.#awaitRest()
      if (morph !== null) this.#loop.request()
      return morph === null
    }
    const frame = this.#frame(this.#scene.cellCount, this.#screen.size.ratio)
    this.#upload(layer, frame)
    const isComplete = this.#screen.refine(layer, frame)
    if (!isComplete) this.#loop.request()
    return isComplete
  }

  /** How far the cells are on their way; null when they have arrived. */
  #currentMorph(layer: Layer): Frame['morph'] {
    if (this.#morph === null) return null
    const elapsed = (performance.now() - this.#morph.startMs) / MORPH_MS
    if (elapsed < 1) return { from: this.#morph.from, progress: eased(elapsed) }
    this.#morph = null
    layer.cells.dropOldPositions()
    return null
  }

  #upload(layer: Layer, frame: Frame): void {
    const isWhole = frame.count === this.#scene.cellCount
    this.#scene.upload(layer, frame.opacity >= 1 ? 'unneeded' : isWhole ? 'needed' : 'later')
  }

  #frame(count: number, ratio: number): Frame {
    const diameter = this.diameter
    const { stage } = this.#scene
    const { background, dimmed } = THEME_COLORS[this.#theme]
    return {
      projection: this.#control.projection,
      morph: null,
      count,
      isRanked: count === this.#scene.cellCount,
      diameter: diameter * ratio,
      selectedDiameter: Math.max(diameter, SMALLEST_SELECTED) * ratio,
      highlightDiameter: Math.max(diameter * HIGHLIGHT_GROWTH, SMALLEST_HIGHLIGHT) * ratio,
      ratio,
      // Alpha needs an order from back to front, which turns with the camera in 3D.
      opacity: stage.dimensions === 3 ? 1 : pointOpacity(this.#style),
      background,
      dimmed,
      hasSelection: this.#scene.hasSelection,
      highlights: this.#highlights,
      radius: this.#scene.radius,
    }
  }

  /** A hand moves the camera, and will again in a moment. A camera that was set is where it is to stay. */
  #isOnItsWay(): void {
    this.#isMoving = this.#scene.cellCount > MOVING_CELLS
  }

  #awaitRest(): void {
    clearTimeout(this.#restTimer)
    this.#restTimer = setTimeout(() => {
      this.#isMoving = false
      this.requestDraw()
    }, REST_MS)
  }

  #cameraMoved(camera: Camera): void {
    this.requestDraw()
    this.#options.onCamera?.(camera)
  }

  /** Whether movement that the user did not make is welcome and can be seen. */
  #mayMove(): boolean {
    if (this.#screen.layer === null || document.visibilityState === 'hidden') return false
    return !matchMedia('(prefers-reduced-motion: reduce)').matches
  }

  #contextLost(): void {
    this.#morph = null
    this.requestDraw() // There is no picture until the context is back.
  }

  #contextRestored(): void {
    this.#scene.invalidate()
    this.requestDraw()
  }
}

/** Slow at both ends. */
function eased(part: number): number {
  return part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2
}
