import type { Frame, Layer } from './layer.ts'

/** Points drawn at a time: a quarter of a second by software, a few milliseconds by a graphics card. */
const STEP_POINTS = 1_000_000

/**
 * A picture of very many cells, drawn over several frames into a buffer of its own, so that the page answers in between
 * and each frame shows what is there so far: a sample that grows.
 */
export class Refinement {
  readonly #gl: WebGL2RenderingContext
  readonly #framebuffer: WebGLFramebuffer
  readonly #color: WebGLRenderbuffer
  readonly #depth: WebGLRenderbuffer
  #width = 0
  #height = 0
  #drawn = 0

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl
    this.#framebuffer = gl.createFramebuffer()
    this.#color = gl.createRenderbuffer()
    this.#depth = gl.createRenderbuffer()
  }

  static isWorthwhile(points: number): boolean {
    return points > STEP_POINTS
  }

  /** What was drawn shows something else than what is wanted now. */
  restart(): void {
    this.#drawn = 0
  }

  /** Draw some more onto the canvas. @returns whether all is drawn */
  step(layer: Layer, frame: Frame): boolean {
    const gl = this.#gl
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#framebuffer)
    this.#fit(gl.drawingBufferWidth, gl.drawingBufferHeight)
    const points = layer.workOf(frame)
    const to = Math.min(points, this.#drawn + STEP_POINTS)
    layer.draw(frame, this.#drawn, to)
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.#framebuffer)
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null)
    const corners = [0, 0, this.#width, this.#height] as const
    gl.blitFramebuffer(...corners, ...corners, gl.COLOR_BUFFER_BIT, gl.NEAREST)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    this.#drawn = to
    return to === points
  }

  dispose(): void {
    this.#gl.deleteFramebuffer(this.#framebuffer)
    this.#gl.deleteRenderbuffer(this.#color)
    this.#gl.deleteRenderbuffer(this.#depth)
  }

  /** With the framebuffer bound. */
  #fit(width: number, height: number): void {
    if (width === this.#width && height === this.#height) return
    const gl = this.#gl
    this.#width = width
    this.#height = height
    this.#drawn = 0
    for (const [buffer, format, place] of [
      [this.#color, gl.RGBA8, gl.COLOR_ATTACHMENT0],
      [this.#depth, gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT],
    ] as const) {
      gl.bindRenderbuffer(gl.RENDERBUFFER, buffer)
      gl.renderbufferStorage(gl.RENDERBUFFER, format, width, height)
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, place, gl.RENDERBUFFER, buffer)
    }
  }
}
