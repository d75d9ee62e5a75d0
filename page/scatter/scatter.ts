import type { Embedding } from '../../protocol/column-frame.ts'
import type { Camera } from '../../protocol/state.ts'
import { type CanvasSize, followSize } from './canvas-size.ts'
import { MAX_GROUPS } from './cell-flags.ts'
import type { Coloring } from './coloring.ts'
import { parseColor, type Rgba } from './css-color.ts'
import { DrawLoop } from './draw-loop.ts'
import { composePicture, type LegendPicture } from './legend-picture.ts'
import { Picking } from './picking.ts'
import { type Frame, PointLayer } from './point-layer.ts'
import { type PointStyle, pointDiameter, pointOpacity, SMALLEST_SELECTED } from './point-style.ts'
import { clampZoom, homeCamera, type Projection, project, projectionOf } from './projection.ts'
import { Scene } from './scene.ts'
import { THEME_COLORS, type Theme } from './theme.ts'

export type { LegendPicture } from './legend-picture.ts'
export type { Theme } from './theme.ts'

export type ScatterOptions = {
  theme: Theme
  /** after each change of the camera, also by the setter */
  onCamera?(camera: Camera): void
  /** the browser took the graphics context; the picture comes back by itself when the browser gives it back */
  onContextLost?(): void
}

export type HighlightGroup = { color: string; cells: Uint32Array }

/** While the camera moves, so many cells are drawn: the start of the draw order is a fair sample of all. */
const MOVING_CELLS = 500_000
/** The camera rests when it has not moved for so long. */
const REST_MS = 160
/** How far from a cell's edge the pointer may be, CSS pixels. */
const PICK_SLOP = 3
const HIGHLIGHT_GROWTH = 1.5
const SMALLEST_HIGHLIGHT = 4
const RADIANS_PER_PIXEL = 0.01
const UNKNOWN_HIGHLIGHT: Rgba = [255, 0, 0, 255]

/**
 * Cells as points on a canvas, drawn by WebGL2. Coordinates in and out are CSS pixels from the canvas's upper left
 * corner. Arrays given to it are kept, not copied: they must not change afterwards.
 */
export class Scatter {
  readonly #canvas: HTMLCanvasElement
  readonly #gl: WebGL2RenderingContext
  readonly #options: ScatterOptions
  readonly #scene: Scene
  readonly #loop = new DrawLoop(() => this.#draw())
  readonly #stopListening: () => void
  /** null while the graphics context is lost */
  #layer: PointLayer | null
  #size: CanvasSize = { width: 0, height: 0, ratio: 1 }
  #theme: Theme
  #style: PointStyle = { pointSize: null, opacity: null }
  #highlights: readonly Rgba[] = []
  /** null is the home of the embedding */
  #camera: Camera | null = null
  #picking: Picking | null = null
  #restTimer: ReturnType<typeof setTimeout> | undefined

  /** @throws Error with a sentence for the user where the browser has no WebGL2 */
  constructor(canvas: HTMLCanvasElement, options: ScatterOptions) {
    const gl = canvas.getContext('webgl2', { alpha: false, antialias: false, powerPreference: 'high-performance' })
    if (!gl) {
      throw new Error(
        'This browser offers no WebGL2, which drawing the cells needs. ' +
          'Switch on hardware acceleration in its settings, or open the notebook in another browser.',
      )
    }
    this.#canvas = canvas
    this.#gl = gl
    this.#options = options
    this.#theme = options.theme
    this.#scene = new Scene(THEME_COLORS[options.theme])
    this.#layer = new PointLayer(gl)
    canvas.addEventListener('webglcontextlost', this.#contextLost)
    canvas.addEventListener('webglcontextrestored', this.#contextRestored)
    this.#stopListening = followSize(canvas, (size) => this.#resize(size))
  }

  /**
   * Show other positions. Another embedding is seen whole; the camera of the same one stays, as does one that was set
   * before the first embedding came.
   */
  setEmbedding(embedding: Embedding | null): void {
    const old = this.#scene.embedding
    this.#scene.setEmbedding(embedding)
    this.#picking = embedding === null ? null : new Picking(embedding, this.#scene.bounds)
    const isOther = old !== null && (old.key !== embedding?.key || old.dimensions !== embedding.dimensions)
    if (isOther && this.#camera !== null) this.resetCamera()
    this.requestDraw()
  }

  /** `null` draws all cells in one neutral colour. A colouring of another number of cells is drawn as `null`. */
  setColor(coloring: Coloring | null): void {
    this.#scene.setColoring(coloring)
    this.requestDraw()
  }

  /** All other cells turn grey; `null` and an empty list select nothing and grey nothing. */
  setSelection(cells: Uint32Array | null): void {
    this.#scene.setSets({ selected: cells ?? new Uint32Array(0) })
    this.requestDraw()
  }

  /** Cells drawn larger, on top, each group in its own CSS colour. From the 32nd group on the last one's colour is used. */
  setHighlights(groups: readonly HighlightGroup[]): void {
    this.#highlights = groups.map(({ color }) => parseColor(color) ?? UNKNOWN_HIGHLIGHT)
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
    return structuredClone(this.#camera ?? homeCamera(this.#scene.bounds, this.#dimensions))
  }

  set camera(camera: Camera) {
    this.#move({ ...structuredClone(camera), zoom: clampZoom(camera.zoom) })
  }

  resetCamera(): void {
    this.#camera = null
    this.#moved()
  }

  /** @param at the CSS pixel that stays where it is; without it the middle */
  zoomBy(factor: number, at?: [number, number]): void {
    const camera = this.camera
    const zoom = clampZoom(camera.zoom * factor)
    const { width, height } = this.#size
    const [x, y] = at ?? [width / 2, height / 2]
    const kept = 1 - camera.zoom / zoom
    this.#move({ ...camera, zoom, center: this.#centerAfter((x - width / 2) * kept, (y - height / 2) * kept) })
  }

  panBy(dx: number, dy: number): void {
    this.#move({ ...this.camera, center: this.#centerAfter(-dx, -dy) })
  }

  /** Turn a 3D embedding as if the pointer held its front. Does nothing in 2D. */
  orbitBy(dx: number, dy: number): void {
    const camera = this.camera
    if (camera.orbit === undefined) return
    const elevation = camera.orbit[1] + dy * RADIANS_PER_PIXEL
    const limit = Math.PI / 2
    this.#move({
      ...camera,
      orbit: [camera.orbit[0] - dx * RADIANS_PER_PIXEL, Math.max(-limit, Math.min(limit, elevation))],
    })
  }

  /** @returns the cell under a CSS pixel, or null */
  pick(x: number, y: number): number | null {
    if (this.#picking === null || !this.#hasSize) return null
    const radius = this.#diameter / 2 + PICK_SLOP
    return this.#picking.cellAt(this.#projection(), [x, y], radius, this.#scene.isVisible)
  }

  /**
   * Exact, by the even-odd rule, at any zoom, also where cells lie outside of the canvas.
   * @returns visible cells, ascending
   */
  cellsInPolygon(points: readonly (readonly [number, number])[]): Uint32Array {
    if (this.#picking === null || !this.#hasSize) return new Uint32Array(0)
    return this.#picking.cellsIn(this.#projection(), points, this.#scene.isVisible)
  }

  /** @returns the CSS pixel of a cell, also outside of the canvas; null for a cell without a position */
  screenPosition(cell: number): [number, number] | null {
    const position = this.#picking?.position(cell) ?? null
    if (position === null || !this.#hasSize) return null
    const [x, y] = project(this.#projection(), ...position)
    return [x, y]
  }

  /**
   * The picture with all cells, also while the screen shows a sample.
   * @param options.scale image pixels a CSS pixel
   * @throws Error while the canvas has no size or its graphics context is lost
   */
  async toPng(options: { scale: number; legend: LegendPicture | null; title: string | null }): Promise<Blob> {
    if (!this.#hasSize || this.#layer === null)
      throw new Error('There is no picture to save: the viewer is not on screen.')
    const { legend, title } = options
    // Drawing and reading are one task: after it the browser may empty the canvas. So the screen never shows this size.
    return await this.#atScale(options.scale, (scale) =>
      composePicture(this.#canvas, { legend, title, scale, theme: this.#theme }),
    )
  }

  requestDraw(): void {
    this.#loop.request()
  }

  /** Resolves when the canvas shows all that was set. */
  whenDrawn(): Promise<void> {
    return this.#loop.drawn()
  }

  dispose(): void {
    clearTimeout(this.#restTimer)
    this.#loop.cancel()
    this.#stopListening()
    this.#canvas.removeEventListener('webglcontextlost', this.#contextLost)
    this.#canvas.removeEventListener('webglcontextrestored', this.#contextRestored)
    this.#layer?.dispose()
    this.#layer = null
  }

  get #dimensions(): number {
    return this.#scene.embedding?.dimensions ?? 2
  }

  get #hasSize(): boolean {
    return this.#size.width > 0 && this.#size.height > 0
  }

  get #diameter(): number {
    const { width, height } = this.#size
    const zoom = this.#camera?.zoom ?? 1
    return pointDiameter(this.#style, { cellCount: this.#scene.cellCount, width, height, zoom })
  }

  get #isMoving(): boolean {
    return this.#restTimer !== undefined
  }

  #projection(): Projection {
    const { width, height } = this.#size
    const stage = {
      width,
      height,
      bounds: this.#scene.bounds,
      dimensions: this.#dimensions,
      yDown: this.#scene.embedding?.yDown ?? false,
    }
    return projectionOf(this.#camera ?? homeCamera(stage.bounds, stage.dimensions), stage)
  }

  /** The camera's centre, moved by CSS pixels on the screen. */
  #centerAfter(dx: number, dy: number): number[] {
    if (!this.#hasSize) return this.camera.center
    const { center, right, up, pixels } = this.#projection()
    return this.camera.center.map((_, axis) => {
      const at = axis as 0 | 1 | 2 // a camera has at most three axes
      return center[at] + (dx * right[at] - dy * up[at]) / pixels
    })
  }

  #move(camera: Camera): void {
    this.#camera = camera
    this.#moved()
  }

  #moved(): void {
    if (this.#scene.cellCount > MOVING_CELLS) {
      clearTimeout(this.#restTimer)
      this.#restTimer = setTimeout(() => {
        this.#restTimer = undefined
        this.requestDraw()
      }, REST_MS)
    }
    this.requestDraw()
    this.#options.onCamera?.(this.camera)
  }

  #resize(size: CanvasSize): void {
    const old = this.#size
    this.#size = size
    const isSame = size.width === old.width && size.height === old.height && size.ratio === old.ratio
    if (isSame || !this.#hasSize) return
    this.#fitBuffer(size.ratio)
    // In this task, before the browser shows the emptied canvas.
    this.#loop.now()
  }

  /** Make the canvas's own buffer fit; setting a size empties it, so equal sizes are left alone. */
  #fitBuffer(ratio: number): void {
    const width = Math.max(1, Math.round(this.#size.width * ratio))
    const height = Math.max(1, Math.round(this.#size.height * ratio))
    if (this.#canvas.width !== width) this.#canvas.width = width
    if (this.#canvas.height !== height) this.#canvas.height = height
  }

  #atScale<Result>(wanted: number, read: (scale: number) => Result): Result {
    const limit: unknown = this.#gl.getParameter(this.#gl.MAX_RENDERBUFFER_SIZE)
    const largest = typeof limit === 'number' ? limit : 4096
    const scale = Math.min(wanted, largest / Math.max(this.#size.width, this.#size.height))
    this.#fitBuffer(scale)
    try {
      this.#render(this.#scene.cellCount, scale)
      return read(scale)
    } finally {
      this.#fitBuffer(this.#size.ratio)
      this.#loop.now()
    }
  }

  /** @returns whether there is a picture now */
  #draw(): boolean {
    if (this.#layer === null || !this.#hasSize) return false
    const count = this.#isMoving ? this.#scene.sampleSize(MOVING_CELLS) : this.#scene.cellCount
    this.#render(count, this.#size.ratio)
    return true
  }

  #render(count: number, ratio: number): void {
    if (this.#layer === null) return
    this.#scene.upload(this.#layer)
    this.#layer.draw(this.#frame(count, ratio))
  }

  #frame(count: number, ratio: number): Frame {
    const diameter = this.#diameter
    const { background, dimmed } = THEME_COLORS[this.#theme]
    return {
      projection: this.#projection(),
      count,
      diameter: diameter * ratio,
      selectedDiameter: Math.max(diameter, SMALLEST_SELECTED) * ratio,
      highlightDiameter: Math.max(diameter * HIGHLIGHT_GROWTH, SMALLEST_HIGHLIGHT) * ratio,
      // Alpha needs an order from back to front, which turns with the camera in 3D.
      opacity: this.#dimensions === 3 ? 1 : pointOpacity(this.#style),
      background,
      dimmed,
      hasSelection: this.#scene.hasSelection,
      highlights: this.#highlights.slice(0, MAX_GROUPS),
    }
  }

  readonly #contextLost = (event: Event): void => {
    // Without this the browser never gives the context back.
    event.preventDefault()
    this.#layer = null
    this.#options.onContextLost?.()
  }

  readonly #contextRestored = (): void => {
    this.#layer = new PointLayer(this.#gl)
    this.#scene.invalidate()
    this.requestDraw()
  }
}
