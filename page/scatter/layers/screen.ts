import { type CanvasSize, followSize, sizeOf } from './canvas-size.ts'
import type { Frame, Layer } from './layer.ts'
import { PointLayer } from './point-layer.ts'
import { RasterLayer } from './raster-layer.ts'
import { Refinement } from './refinement.ts'

/** What happens to a screen from outside. */
export type ScreenEvents = {
  /** the canvas has another size and is empty: draw in this task, before the browser shows it */
  resized(): void
  /** given away by `release`, or taken by the browser */
  contextLost(): void
  /** there is a new, empty layer */
  contextRestored(): void
}

/** No graphics card has a smaller limit, and more than this is no picture for a notebook. */
const SIDE_WITHOUT_CARD = 4096

/** A viewer in sight is not blank for longer than this, however often its context was taken. */
const LONGEST_PATIENCE_MS = 8_000

/** A canvas with its graphics context: its size, what is on the card, and the loss of both. */
export class Screen {
  readonly #canvas: HTMLCanvasElement
  /** null where the browser has no WebGL2 */
  readonly #gl: WebGL2RenderingContext | null
  readonly #events: ScreenEvents
  /** Asked for at once: a lost context has no extensions. */
  readonly #loss: WEBGL_lose_context | null
  readonly #unfollow: () => void
  #layer: Layer | null
  #refinement: Refinement | null = null
  #size: CanvasSize
  /** The context was given away, and is not wanted back yet. */
  isReleased = false
  /** It was given away, and is not back yet. */
  #isAway = false
  /** How long to leave a context that the browser took to those that it took it for. */
  #patienceMs = 500

  /** @throws Error with a sentence for the user where the browser cannot draw at all */
  constructor(canvas: HTMLCanvasElement, events: ScreenEvents) {
    this.#gl = canvas.getContext('webgl2', { alpha: false, antialias: false, powerPreference: 'high-performance' })
    this.#canvas = canvas
    this.#events = events
    this.#loss = this.#gl?.getExtension('WEBGL_lose_context') ?? null
    this.#layer = this.#gl === null ? rasterLayer(canvas) : new PointLayer(this.#gl)
    this.#size = sizeOf(canvas)
    if (this.hasSize) this.#fitBuffer(this.#size.ratio)
    canvas.addEventListener('webglcontextlost', this.#lost)
    canvas.addEventListener('webglcontextrestored', this.#restored)
    this.#unfollow = followSize(canvas, (size) => this.#resize(size))
  }

  get limitation(): string | null {
    if (this.#gl !== null) return null
    return (
      'This browser offers no WebGL2: of many cells a sample is drawn. ' +
      'Switch on hardware acceleration in its settings, or open the notebook in another browser.'
    )
  }

  /** CSS pixels, and device pixels a CSS pixel. */
  get size(): CanvasSize {
    return this.#size
  }

  get hasSize(): boolean {
    return this.#size.width > 0 && this.#size.height > 0
  }

  /** What to draw on; null while there is no canvas to see or the graphics context is lost. */
  get layer(): Layer | null {
    return this.hasSize ? this.#layer : null
  }

  draw(layer: Layer, frame: Frame): void {
    layer.draw(frame, 0, layer.workOf(frame))
  }

  /** Draw a part of a large picture, or all of a small one. @returns whether it is complete */
  refine(layer: Layer, frame: Frame): boolean {
    if (this.#gl === null || !Refinement.isWorthwhile(layer.workOf(frame))) {
      this.draw(layer, frame)
      return true
    }
    this.#refinement ??= new Refinement(this.#gl)
    return this.#refinement.step(layer, frame)
  }

  /** What `refine` has drawn so far shows something else than what is wanted now. */
  restartRefinement(): void {
    this.#refinement?.restart()
  }

  /**
   * Draw at another scale and read the canvas, all in one task: after it the browser may empty the canvas.
   * @param wanted device pixels a CSS pixel; less where the graphics card has a limit
   * @returns what `read` returns, and whether the canvas was emptied by it
   */
  atScale<Result>(wanted: number, read: (scale: number) => Result): { result: Result; isEmptied: boolean } {
    const limit: unknown = this.#gl?.getParameter(this.#gl.MAX_RENDERBUFFER_SIZE)
    const largest = typeof limit === 'number' ? limit : SIDE_WITHOUT_CARD
    const scale = Math.min(wanted, largest / Math.max(this.#size.width, this.#size.height))
    this.#fitBuffer(scale)
    try {
      const result = read(scale)
      return { result, isEmptied: this.#canvas.width !== Math.round(this.#size.width * this.#size.ratio) }
    } finally {
      this.#fitBuffer(this.#size.ratio)
    }
  }

  release(): void {
    this.isReleased = true
    if (this.#loss === null) return
    this.#isAway = true
    this.#layer = null
    this.#refinement = null
    this.#loss.loseContext()
  }

  restore(): void {
    if (!this.isReleased) return
    this.isReleased = false
    this.#loss?.restoreContext() // does nothing where the browser has not told of the loss yet
  }

  dispose(): void {
    this.isReleased = true // for good
    this.#unfollow()
    this.#canvas.removeEventListener('webglcontextlost', this.#lost)
    this.#canvas.removeEventListener('webglcontextrestored', this.#restored)
    this.#refinement?.dispose()
    this.#layer?.dispose()
    this.#layer = null
    // The browser has about 16 contexts for all pages of a process; a canvas that nobody uses may keep one for long.
    this.#loss?.loseContext()
  }

  /** The browser tells a frame that is scrolled out of sight nothing of its size; asked, it answers. */
  measure(): void {
    if (!this.hasSize) this.#take(sizeOf(this.#canvas))
  }

  #resize(size: CanvasSize): void {
    if (this.#take(size)) this.#events.resized()
  }

  /** @returns whether the canvas has another size now, and is empty */
  #take(size: CanvasSize): boolean {
    const old = this.#size
    this.#size = size
    const isSame = size.width === old.width && size.height === old.height && size.ratio === old.ratio
    if (isSame || !this.hasSize) return false
    this.#fitBuffer(size.ratio)
    this.restartRefinement()
    return true
  }

  /** Make the canvas's own buffer fit. Setting a size empties it, so the same one is not set again. */
  #fitBuffer(scale: number): void {
    const width = Math.max(1, Math.round(this.#size.width * scale))
    const height = Math.max(1, Math.round(this.#size.height * scale))
    if (this.#canvas.width === width && this.#canvas.height === height) return
    this.#canvas.width = width
    this.#canvas.height = height
  }

  readonly #lost = (event: Event): void => {
    // Without this the browser never gives the context back.
    event.preventDefault()
    this.#layer = null
    this.#refinement = null
    this.#events.contextLost()
    // Wanted back before this was told: not in this task, since the browser looks after it whether it may give it back.
    // What the browser took for other viewers it keeps, also when they need it no more: asked for, but each time later,
    // lest too many viewers take it from each other in quick turns.
    const waitMs = this.#isAway ? 0 : this.#patienceMs
    if (!this.#isAway) this.#patienceMs = Math.min(LONGEST_PATIENCE_MS, this.#patienceMs * 2)
    setTimeout(() => {
      if (this.#layer === null && !this.isReleased) this.#loss?.restoreContext()
    }, waitMs)
  }

  readonly #restored = (): void => {
    if (this.#gl === null) return
    this.#isAway = false
    this.#layer = new PointLayer(this.#gl)
    this.#events.contextRestored()
  }
}

function rasterLayer(canvas: HTMLCanvasElement): RasterLayer {
  const context = canvas.getContext('2d', { alpha: false })
  if (context) return new RasterLayer(context)
  throw new Error('This browser cannot draw. Open the notebook in another browser.')
}
