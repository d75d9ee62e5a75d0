import type { DrawOrder, Positions } from '../draw-order.ts'
import type { CellStore } from './layer.ts'

/** The attributes of a cell, by place: the same in every program, so that one vertex array serves all. */
export const ATTRIBUTES = ['position', 'code', 'flags', 'oldPosition'] as const
const [POSITION, CODE, FLAGS, OLD_POSITION] = [0, 1, 2, 3] as const

/** What the graphics card holds of each cell, in draw order: 8 bytes a cell in 2D, 1 or 2 of codes, 1 of flags. */
export class CellBuffers implements CellStore {
  readonly #gl: WebGL2RenderingContext
  readonly #cells: WebGLVertexArrayObject
  readonly #code: WebGLBuffer
  readonly #flags: WebGLBuffer
  #position: WebGLBuffer
  #dimensions = 2
  #hasFlags = false
  #oldPosition: WebGLBuffer | null = null
  #ranking: WebGLBuffer | null = null

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl
    this.#cells = gl.createVertexArray()
    this.#position = gl.createBuffer()
    this.#code = gl.createBuffer()
    this.#flags = gl.createBuffer()
  }

  /** Whether any cell is in a set. */
  get hasFlags(): boolean {
    return this.#hasFlags
  }

  get hasOldPositions(): boolean {
    return this.#oldPosition !== null
  }

  get hasRanking(): boolean {
    return this.#ranking !== null
  }

  setPositions(positions: Positions, order: DrawOrder, options: { keepOld: boolean }): void {
    const gl = this.#gl
    this.dropOldPositions()
    if (options.keepOld) {
      this.#oldPosition = this.#position
      this.#position = gl.createBuffer()
      this.bind()
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#oldPosition)
      gl.enableVertexAttribArray(OLD_POSITION)
      gl.vertexAttribPointer(OLD_POSITION, this.#dimensions, gl.FLOAT, false, 0, 0)
    }
    this.#dimensions = positions.dimensions
    this.#fill(POSITION, this.#position, order.dealPositions(positions))
    gl.vertexAttribPointer(POSITION, this.#dimensions, gl.FLOAT, false, 0, 0)
  }

  dropOldPositions(): void {
    if (this.#oldPosition === null) return
    this.bind()
    this.#gl.disableVertexAttribArray(OLD_POSITION)
    this.#gl.deleteBuffer(this.#oldPosition)
    this.#oldPosition = null
  }

  setCodes(codes: Uint8Array | Uint16Array | null, order: DrawOrder): void {
    this.#setIntegers(CODE, codes, order)
  }

  setFlags(flags: Uint8Array | null, order: DrawOrder): void {
    this.#hasFlags = flags !== null
    this.#setIntegers(FLAGS, flags, order)
  }

  setRanking(ranking: Uint32Array | null): void {
    const gl = this.#gl
    this.bind()
    gl.deleteBuffer(this.#ranking)
    this.#ranking = ranking === null ? null : gl.createBuffer()
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.#ranking)
    if (ranking !== null) gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, ranking, gl.STATIC_DRAW)
  }

  bind(): void {
    this.#gl.bindVertexArray(this.#cells)
  }

  dispose(): void {
    const gl = this.#gl
    for (const buffer of [this.#position, this.#code, this.#flags, this.#oldPosition, this.#ranking]) {
      gl.deleteBuffer(buffer)
    }
    gl.deleteVertexArray(this.#cells)
  }

  #setIntegers(at: typeof CODE | typeof FLAGS, values: Uint8Array | Uint16Array | null, order: DrawOrder): void {
    const gl = this.#gl
    if (values === null) {
      this.bind()
      gl.disableVertexAttribArray(at)
      gl.vertexAttribI4ui(at, 0, 0, 0, 0)
      return
    }
    this.#fill(at, at === CODE ? this.#code : this.#flags, order.deal(values))
    gl.vertexAttribIPointer(at, 1, values instanceof Uint8Array ? gl.UNSIGNED_BYTE : gl.UNSIGNED_SHORT, 0, 0)
  }

  /** Fill a buffer, and leave it bound for the pointer call. */
  #fill(at: number, buffer: WebGLBuffer, values: Float32Array | Uint8Array | Uint16Array): void {
    const gl = this.#gl
    this.bind()
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW)
    gl.enableVertexAttribArray(at)
  }
}
