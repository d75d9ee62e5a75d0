import { type Matrix, matrixKey } from '../../protocol/matrix.ts'
import type { ColorBy } from '../../protocol/state.ts'

/** The mean of several genes of one matrix. It lives in the page: the kernel knows fields and genes. */
export type GeneSet = { axis: 'set'; name: string; keys: readonly string[]; matrix: Matrix }
/** What can colour or filter the cells. */
export type Colorable = ColorBy | GeneSet

/** One text per colour; keys may hold any character, so they are quoted. */
export function colorName(by: Colorable): string {
  switch (by.axis) {
    case 'obs':
      return JSON.stringify(['obs', by.key])
    case 'var':
      return JSON.stringify(['var', by.key, matrixKey(by.matrix)])
    case 'set':
      return JSON.stringify(['set', matrixKey(by.matrix), ...by.keys])
  }
}

/** The field or gene alone, as it is written in a call. */
export function colorLabel(by: Colorable): string {
  return by.axis === 'set' ? by.name : by.key
}

/** What the user reads wherever values stand: of a gene also which matrix they are from. */
export function colorTitle(by: Colorable): string {
  return by.axis === 'obs' ? by.key : `${colorLabel(by)} · ${matrixLabel(by.matrix)}`
}

/** "X", "raw", "layer counts": a layer's name alone could be that of another place. */
export function matrixLabel(matrix: Matrix): string {
  return matrix.in === 'layers' ? `layer ${matrix.layer}` : matrix.in
}

export function isSameColor(a: Colorable | null, b: Colorable | null): boolean {
  if (a === null || b === null) return a === b
  return colorName(a) === colorName(b)
}
