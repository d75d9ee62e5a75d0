import type { ColorBy } from '../protocol/state.ts'

/** The mean of several genes. It lives in the page: the kernel knows fields and genes. */
export type GeneSet = { axis: 'set'; name: string; keys: readonly string[] }
/** What can colour or filter the cells. */
export type Colorable = ColorBy | GeneSet

/** One text per colour; keys may hold any character, so they are quoted. */
export function colorName(by: Colorable): string {
  switch (by.axis) {
    case 'obs':
      return JSON.stringify(['obs', by.key])
    case 'var':
      return JSON.stringify(['var', by.key, by.layer])
    case 'set':
      return JSON.stringify(['set', ...by.keys])
  }
}

/** What the user reads. */
export function colorLabel(by: Colorable): string {
  return by.axis === 'set' ? by.name : by.key
}

export function isSameColor(a: Colorable | null, b: Colorable | null): boolean {
  if (a === null || b === null) return a === b
  return colorName(a) === colorName(b)
}
