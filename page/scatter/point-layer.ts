import type { ColorTable } from './color-table.ts'
import type { Rgba } from './css-color.ts'
import type { DrawOrder } from './draw-order.ts'
import { DISC_SHADER, SQUARE_SHADER, VERTEX_SHADER } from './point-shaders.ts'
import { linkProgram, type Program } from './program.ts'
import type { Projection } from './projection.ts'

/** What one picture needs beside the cells' own data. Diameters in device pixels. */
export type Frame = {
  projection: Projection
  /** the first so many cells of the draw order */
  count: number
  diameter: number
  selectedDiameter: number
  highlightDiameter: number
  opacity: number
  background: Rgba
  dimmed: Rgba
  hasSelection: boolean
  /** one colour a group, at most 32 */
  highlights: readonly Rgba[]
}

/** Attributes have the same places in both programs, so that one vertex array serves both. */
const ATTRIBUTES = ['position', 'code', 'flags'] as const
const [POSITION, CODE, FLAGS] = [0, 1, 2] as const

/** Device pixels under which a point is a square. */
const SMALLEST_DISC = 3

/** The cells on the graphics card, in draw order, and how they are drawn. Lives as long as one graphics context. */
export class PointLayer {
  readonly #gl: WebGL2RenderingContext
  readonly #square: Program
  readonly #disc: Program
  readonly #cells: WebGLVertexArrayObject
  readonly #buffers: readonly WebGLBuffer[]
  readonly #table: WebGLTexture
  readonly #largest: number
  #missing: Rgba = [0, 0, 0, 1]
  #missingCode = 255

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl
    const attributes = ATTRIBUTES.map((name, at) => [name, at] as const)
    this.#square = linkProgram(gl, { vertex: VERTEX_SHADER, fragment: SQUARE_SHADER, attributes }, { EDGE: '0.0' })
    this.#disc = linkProgram(gl, { vertex: VERTEX_SHADER, fragment: DISC_SHADER, attributes }, { EDGE: '1.0' })
    this.#cells = gl.createVertexArray()
    this.#buffers = ATTRIBUTES.map(() => gl.createBuffer())
    this.#table = gl.createTexture()
    const range: unknown = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)
    this.#largest = range instanceof Float32Array ? (range[1] ?? 1) : 1
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST)
    }
  }

  /** @param positions shape (n, dimensions) row-major, in the order of `obs` */
  setPositions(positions: Float32Array, dimensions: number, order: DrawOrder): void {
    const gl = this.#gl
    this.#upload(POSITION, order.dealPositions(positions, dimensions))
    gl.vertexAttribPointer(POSITION, dimensions, gl.FLOAT, false, 0, 0)
  }

  /** @param codes shape (n,), in the order of `obs`; null gives every cell code 0 */
  setCodes(codes: Uint8Array | Uint16Array | null, order: DrawOrder): void {
    this.#setIntegers(CODE, codes, order)
  }

  /** @param flags shape (n,), in the order of `obs`; null gives every cell none */
  setFlags(flags: Uint8Array | null, order: DrawOrder): void {
    this.#setIntegers(FLAGS, flags, order)
  }

  setTable(table: ColorTable): void {
    const gl = this.#gl
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, table.rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, table.entries)
    this.#missing = table.missing
    this.#missingCode = table.missingCode
  }

  /** Draw onto the canvas, as large as it is. */
  draw(frame: Frame): void {
    const gl = this.#gl
    const [red, green, blue] = frame.background
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight)
    gl.clearColor(red / 255, green / 255, blue / 255, 1)
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
    if (frame.count === 0) return

    const hasHighlights = frame.highlights.length > 0
    const isDisc = Math.max(frame.diameter, hasHighlights ? frame.highlightDiameter : 0) >= SMALLEST_DISC
    const program = isDisc ? this.#disc : this.#square
    program.activate()
    gl.bindVertexArray(this.#cells)
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    this.#setUniforms(program, frame)
    // Opaque points are ordered by depth. Alpha and depth do not mix: there the layers are drawn one after the other.
    const isOpaque = frame.opacity >= 1
    toggle(gl, gl.DEPTH_TEST, isOpaque)
    toggle(gl, gl.BLEND, isDisc || !isOpaque)
    gl.depthFunc(gl.LEQUAL)
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA)
    const hasLayers = !isOpaque && (frame.hasSelection || hasHighlights)
    for (const layer of hasLayers ? [0, 1, 2] : [-1]) {
      gl.uniform1i(program.uniform('layer'), layer)
      gl.drawArrays(gl.POINTS, 0, frame.count)
    }
  }

  dispose(): void {
    const gl = this.#gl
    for (const buffer of this.#buffers) gl.deleteBuffer(buffer)
    gl.deleteVertexArray(this.#cells)
    gl.deleteTexture(this.#table)
    this.#square.delete()
    this.#disc.delete()
  }

  #setUniforms(program: Program, frame: Frame): void {
    const gl = this.#gl
    const { projection } = frame
    // Two floats hold a centre more finely than one.
    const high = projection.center.map(Math.fround)
    const low = projection.center.map((part, axis) => part - (high[axis] ?? 0))
    gl.uniform3fv(program.uniform('centerHigh'), high)
    gl.uniform3fv(program.uniform('centerLow'), low)
    for (const axis of ['right', 'up', 'toward'] as const) gl.uniform3fv(program.uniform(axis), projection[axis])
    const { pixels, width, height, perspective } = projection
    gl.uniform2f(program.uniform('scale'), (2 * pixels) / width, (2 * pixels) / height)
    gl.uniform1f(program.uniform('perspective'), perspective)
    for (const name of ['diameter', 'selectedDiameter', 'highlightDiameter', 'opacity'] as const) {
      gl.uniform1f(program.uniform(name), frame[name])
    }
    gl.uniform1f(program.uniform('largest'), this.#largest - 1)
    gl.uniform1ui(program.uniform('missingCode'), this.#missingCode)
    gl.uniform4fv(program.uniform('missing'), unit(this.#missing))
    gl.uniform3fv(program.uniform('dimmed'), unit(frame.dimmed).slice(0, 3))
    gl.uniform1i(program.uniform('hasSelection'), frame.hasSelection ? 1 : 0)
    const colors = frame.highlights.flatMap((color) => unit(color).slice(0, 3))
    if (colors.length > 0) gl.uniform3fv(program.uniform('highlights'), colors)
  }

  #setIntegers(at: typeof CODE | typeof FLAGS, values: Uint8Array | Uint16Array | null, order: DrawOrder): void {
    const gl = this.#gl
    if (values === null) {
      gl.bindVertexArray(this.#cells)
      gl.disableVertexAttribArray(at)
      gl.vertexAttribI4ui(at, 0, 0, 0, 0)
      return
    }
    this.#upload(at, order.deal(values))
    gl.vertexAttribIPointer(at, 1, values instanceof Uint8Array ? gl.UNSIGNED_BYTE : gl.UNSIGNED_SHORT, 0, 0)
  }

  /** Fill an attribute's buffer, and leave it bound for the pointer call. */
  #upload(at: number, values: Float32Array | Uint8Array | Uint16Array): void {
    const gl = this.#gl
    gl.bindVertexArray(this.#cells)
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[at] ?? null)
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW)
    gl.enableVertexAttribArray(at)
  }
}

function unit(color: Rgba): number[] {
  return color.map((part) => part / 255)
}

function toggle(gl: WebGL2RenderingContext, capability: number, isOn: boolean): void {
  if (isOn) gl.enable(capability)
  else gl.disable(capability)
}
