import * as v from 'valibot'

/** Which matrix of the dataset a gene is read from. A layer may have any name, also "raw" or "X". */
export const matrixSchema = v.variant('in', [
  v.object({ in: v.literal('X') }),
  v.object({ in: v.literal('raw') }),
  v.object({ in: v.literal('layers'), layer: v.string() }),
])
export type Matrix = v.InferOutput<typeof matrixSchema>

export const X: Matrix = { in: 'X' }
export const RAW: Matrix = { in: 'raw' }

/** A table of genes: raw has one of its own, X and the layers share another. */
export type VarTable = 'var' | 'raw'
export const varTableOf = (matrix: Matrix): VarTable => (matrix.in === 'raw' ? 'raw' : 'var')

/** One text per matrix: a layer's name may be anything, so it stands behind its place. */
export const matrixKey = (matrix: Matrix): string => (matrix.in === 'layers' ? `layers/${matrix.layer}` : matrix.in)

export const isSameMatrix = (a: Matrix, b: Matrix): boolean => matrixKey(a) === matrixKey(b)
