/** How a matrix lies. `stored`: how many values at most; `isWide`: float32 would round them. */
export type Layout = {
  major: 'rows' | 'columns'
  cells: number
  genes: number
  stored: number
  isWide: boolean
  /** Of the logarithm that was taken of the counts; `null`: the natural one. */
  logBase: number | null
}
