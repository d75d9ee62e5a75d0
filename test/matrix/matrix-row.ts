/** One row of `dist/matrix.json`. */
export type MatrixRow = {
  environment: string
  title: string
  /** false: a stand-in */
  real: boolean
  /** A proxy on the way misbehaves. */
  faulty: boolean
  expectedTransport: string
  /** `null`: no picture came. */
  transport: string | null
  cells: number
  /** From the start of the cell to the first picture. */
  firstPictureMs: number | null
  ok: boolean
  /** Why it is not. */
  note: string
}
