import type { ColorTable } from '../color/color-table.ts'
import type { Rgba } from '../color/css-color.ts'
import type { Projection } from '../projection.ts'
import { ATTRIBUTES, CellBuffers } from './cell-buffers.ts'
import type { Frame, Layer } from './layer.ts'
import { DISC_SHADER, SQUARE_SHADER, VERTEX_SHADER } from './point-shaders.ts'
import { linkProgram, type Program } from './program.ts'

/** Device pixels under which a point is a square. */
const SMALLEST_DISC = 3

/** The cells on the graphics card and how they are drawn. Lives as long as one graphics context. */
export class PointLayer implements Layer {
  readonly cells: CellBuffers
  readonly #gl: WebGL2RenderingContext
  readonly #programs = new Map<string, Program>()
  readonly #table: WebGLTexture
  readonly #largest: number
  #missing: Rgba = [0, 0, 0, 1]
  #missingCode = 255

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl
    this.cells = new CellBuffers(gl)
    this.#table = gl.createTexture()
    const range: unknown = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)
    this.#largest = range instanceof Float32Array ? (range[1] ?? 1) : 1
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST)
    }
    // Nearly every first picture is drawn by one of these: compiled while its data are on their way.
    if (!gl.isContextLost()) for (const DISC of [false, true]) this.#program({ DISC })
  }

  setTable(table: ColorTable): void {
    const gl = this.#gl
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, table.rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, table.entries)
    this.#missing = table.missing
    this.#missingCode = table.missingCode
  }

  workOf(frame: Frame): number {
    return this.#passes(frame).length * frame.count
  }

  /** Into the framebuffer that is bound. */
  draw(frame: Frame, from: number, to: number): void {
    const gl = this.#gl
    if (from === 0) this.#clear(frame.background)
    if (to <= from) return
    const hasHighlights = frame.highlights.length > 0
    const isDisc = Math.max(frame.diameter, hasHighlights ? frame.highlightDiameter : 0) >= SMALLEST_DISC
    const morph = this.cells.hasOldPositions ? frame.morph : null
    const program = this.#program({
      DEEP: [frame.projection, morph?.from].some((view) => view !== undefined && view.perspective > 0),
      SETS: this.cells.hasFlags,
      MORPH: morph !== null,
      DISC: isDisc,
    })
    program.activate()
    this.cells.bind()
    gl.bindTexture(gl.TEXTURE_2D, this.#table)
    this.#setView(program, 'view', frame.projection)
    if (morph !== null) {
      this.#setView(program, 'oldView', morph.from)
      gl.uniform1f(program.uniform('progress'), morph.progress)
    }
    this.#setStyle(program, frame)
    // Opaque points are ordered by depth. Alpha and depth do not mix: there one layer is drawn after the other.
    const isOpaque = frame.opacity >= 1
    toggle(gl, gl.DEPTH_TEST, isOpaque)
    toggle(gl, gl.BLEND, isDisc || !isOpaque)
    gl.depthFunc(gl.LEQUAL)
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA)
    this.#passes(frame).forEach((layer, pass) => {
      const start = Math.max(0, from - pass * frame.count)
      const end = Math.min(frame.count, to - pass * frame.count)
      if (end <= start) return
      gl.uniform1i(program.uniform('layer'), layer)
      if (frame.isRanked && this.cells.hasRanking) gl.drawElements(gl.POINTS, end - start, gl.UNSIGNED_INT, start * 4)
      else gl.drawArrays(gl.POINTS, start, end - start)
    })
    gl.flush() // Else the card begins when the browser next shows a frame.
  }

  dispose(): void {
    this.cells.dispose()
    this.#gl.deleteTexture(this.#table)
    for (const program of this.#programs.values()) program.delete()
  }

  /** The sets to draw one after the other; -1 is all of them at once. */
  #passes(frame: Frame): readonly number[] {
    return frame.opacity < 1 && this.cells.hasFlags ? [0, 1, 2] : [-1]
  }

  #clear([red, green, blue]: Rgba): void {
    const gl = this.#gl
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight)
    gl.clearColor(red / 255, green / 255, blue / 255, 1)
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
  }

  /** Most pictures need one or two of the sixteen. */
  #program(wanted: Readonly<Record<string, boolean>>): Program {
    const defines = Object.keys(wanted).filter((name) => wanted[name])
    const key = defines.join(' ')
    const known = this.#programs.get(key)
    if (known !== undefined) return known
    const fragment = wanted.DISC ? DISC_SHADER : SQUARE_SHADER
    const program = linkProgram(this.#gl, { vertex: VERTEX_SHADER, fragment, attributes: ATTRIBUTES, defines })
    this.#programs.set(key, program)
    return program
  }

  #setView(program: Program, name: 'view' | 'oldView', projection: Projection): void {
    const gl = this.#gl
    const at = (field: string) => program.uniform(`${name}.${field}`)
    // Two floats hold a centre more finely than one.
    const high = projection.center.map(Math.fround)
    const low = projection.center.map((part, axis) => part - (high[axis] ?? 0))
    gl.uniform3fv(at('centerHigh'), high)
    gl.uniform3fv(at('centerLow'), low)
    for (const axis of ['right', 'up', 'toward'] as const) gl.uniform3fv(at(axis), projection[axis])
    const { pixels, width, height, perspective } = projection
    gl.uniform2f(at('scale'), (2 * pixels) / width, (2 * pixels) / height)
    gl.uniform1f(at('perspective'), perspective)
  }

  #setStyle(program: Program, frame: Frame): void {
    const gl = this.#gl
    const numbers = ['diameter', 'selectedDiameter', 'highlightDiameter', 'ratio', 'opacity', 'radius'] as const
    for (const name of numbers) gl.uniform1f(program.uniform(name), frame[name])
    gl.uniform1f(program.uniform('largest'), this.#largest - 1)
    gl.uniform1ui(program.uniform('missingCode'), this.#missingCode)
    gl.uniform4fv(program.uniform('missing'), unit(this.#missing))
    gl.uniform3fv(program.uniform('dimmed'), unit(frame.dimmed).slice(0, 3))
    gl.uniform3fv(program.uniform('background'), unit(frame.background).slice(0, 3))
    gl.uniform1i(program.uniform('hasSelection'), frame.hasSelection ? 1 : 0)
    const colors = frame.highlights.flatMap((color) => unit(color).slice(0, 3))
    if (colors.length > 0) gl.uniform3fv(program.uniform('highlights'), colors)
  }
}

function unit(color: Rgba): number[] {
  return color.map((part) => part / 255)
}

function toggle(gl: WebGL2RenderingContext, capability: number, isOn: boolean): void {
  if (isOn) gl.enable(capability)
  else gl.disable(capability)
}
