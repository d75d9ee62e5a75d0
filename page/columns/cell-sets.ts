/** Sets of cells as ascending, unique indices. None of these change their arguments. */

export type Combine = 'replace' | 'add' | 'subtract' | 'intersect'

/** What the keys that are held say: Alt takes away, Ctrl or ⌘ adds, both keep what is in both. */
export function howOf(event: { altKey: boolean; ctrlKey: boolean; metaKey: boolean }): Combine {
  const isAdding = event.ctrlKey || event.metaKey
  if (event.altKey) return isAdding ? 'intersect' : 'subtract'
  return isAdding ? 'add' : 'replace'
}

const EMPTY = new Uint32Array(0)

export function combine(how: Combine, before: Uint32Array, cells: Uint32Array): Uint32Array {
  switch (how) {
    case 'replace':
      return cells
    case 'add':
      return union(before, cells)
    case 'subtract':
      return filtered(before, cells, false)
    case 'intersect':
      return filtered(before, cells, true)
  }
}

export function union(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const merged = new Uint32Array(a.length + b.length)
  let [i, j, filled] = [0, 0, 0]
  while (i < a.length || j < b.length) {
    const left = i < a.length ? at(a, i) : Number.POSITIVE_INFINITY
    const right = j < b.length ? at(b, j) : Number.POSITIVE_INFINITY
    if (left <= right) i++
    if (right <= left) j++
    merged[filled++] = Math.min(left, right)
  }
  return merged.slice(0, filled)
}

/** The cells of `from` that are in `cells`, or those that are not. */
function filtered(from: Uint32Array, cells: Uint32Array, isIn: boolean): Uint32Array {
  if (from.length === 0) return EMPTY
  let j = 0
  return from.filter((cell) => {
    while (j < cells.length && at(cells, j) < cell) j++
    return (j < cells.length && at(cells, j) === cell) === isIn
  })
}

/** All cells but these. */
export function invert(cells: Uint32Array, cellCount: number): Uint32Array {
  const rest = new Uint32Array(cellCount - cells.length)
  let [filled, j] = [0, 0]
  for (let cell = 0; cell < cellCount; cell++) {
    if (j < cells.length && at(cells, j) === cell) j++
    else rest[filled++] = cell
  }
  return rest
}

/** The cells of one category. */
export function cellsOfCode(codes: Uint8Array | Uint16Array, code: number): Uint32Array {
  const cells: number[] = []
  for (let cell = 0; cell < codes.length; cell++) if (codes[cell] === code) cells.push(cell)
  return Uint32Array.from(cells)
}

function at(cells: Uint32Array, i: number): number {
  return cells[i] ?? 0
}
