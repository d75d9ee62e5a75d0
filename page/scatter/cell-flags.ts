// Loops here run over lists of cells; their indices stay within the arrays' lengths, which is why `as number` holds.

/** One byte a cell. The upper five bits are the number of the highlight's group. */
export const HIDDEN = 1
export const SELECTED = 2
export const HIGHLIGHTED = 4
export const GROUP_SHIFT = 3
/** Groups beyond take the colour of the last one. */
export const MAX_GROUPS = 32

export type CellSets = {
  hidden: Uint32Array
  selected: Uint32Array
  /** one list of cells a group; a cell in several shows the last */
  highlights: readonly Uint32Array[]
}

/** Write the sets into `flags`, shape (cellCount,). Cells beyond the count are left out. */
export function writeFlags(flags: Uint8Array, sets: CellSets): void {
  flags.fill(0)
  sets.highlights.forEach((cells, group) => {
    const flag = HIGHLIGHTED | (Math.min(group, MAX_GROUPS - 1) << GROUP_SHIFT)
    for (let i = 0; i < cells.length; i++) flags[cells[i] as number] = flag
  })
  addFlag(flags, sets.selected, SELECTED)
  addFlag(flags, sets.hidden, HIDDEN)
}

function addFlag(flags: Uint8Array, cells: Uint32Array, flag: number): void {
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i] as number
    flags[cell] = (flags[cell] as number) | flag
  }
}
