import type { MatrixEntry } from '../../protocol/identity.ts'
import { isSameMatrix, type Matrix, RAW, X } from '../../protocol/matrix.ts'
import { DataError } from '../data-source.ts'
import { listed, nearNames, nearNamesText, quoted } from '../near-names.ts'
import type { Description } from './anndata-reader.ts'

/** What genes are read from when nothing is named, as scanpy chooses: raw where there is one, else X. */
export function usualMatrix({ matrices }: Description): Matrix {
  return matrices.some(({ matrix }) => matrix.in === 'raw') ? RAW : X
}

export function matrixEntry({ matrices }: Pick<Description, 'matrices'>, matrix: Matrix): MatrixEntry | undefined {
  return matrices.find((entry) => isSameMatrix(entry.matrix, matrix))
}

/** @throws DataError `unknown_layer`, or `unsupported` where there is no raw or no X, with what there is instead */
export function checkMatrix(description: Description, matrix: Matrix): void {
  if (matrixEntry(description, matrix) !== undefined) return
  const layers = layersOf(description)
  switch (matrix.in) {
    case 'X':
      throw new DataError('unsupported', `The dataset has no X. ${others(description, layers)}`)
    case 'raw':
      throw new DataError('unsupported', `use_raw=True needs raw, which the dataset does not have. ${RAW_ADVICE}`)
    case 'layers':
      throw unknownLayer(matrix.layer, layers)
  }
}

/** For a sentence: which matrix, in the words of `show_anndata`. */
export function matrixText(matrix: Matrix): string {
  return matrix.in === 'layers' ? `layer ${quoted(matrix.layer)}` : matrix.in
}

const RAW_ADVICE = 'Leave use_raw out to read genes from X.'

function layersOf({ matrices }: Description): string[] {
  return matrices.flatMap(({ matrix }) => (matrix.in === 'layers' ? [matrix.layer] : []))
}

function others(description: Description, layers: readonly string[]): string {
  const found =
    layers.length > 0 ? `It has the layers ${listed(layers)}. Pass layer= to choose one.` : 'It has no layers.'
  return usualMatrix(description).in === 'raw' ? `${found} use_raw=True reads raw.` : found
}

/** A layer may be called "raw" or "X", so that a name never means another place; who meant that place is told how. */
function unknownLayer(layer: string, layers: readonly string[]): DataError {
  const advice: Readonly<Record<string, string>> = {
    raw: ' For adata.raw, write use_raw=True.',
    X: ' For adata.X, leave layer out, and write use_raw=False where there is a raw.',
  }
  const near = nearNames(layer, layers).length > 0 ? nearNamesText(layer, layers) : (advice[layer] ?? '')
  return new DataError(
    'unknown_layer',
    `layer=${quoted(layer)} is not a layer of the dataset, which has ${listed(layers)}.${near}`,
  )
}
