// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.

/** Where a cell without a position goes: finite, so that sums stay finite, and far outside of any picture. */
const NOWHERE = 1e6

/** Write the positions of `cells` into `target`, shape (cells.length, dimensions) row-major. */
export function gatherPositions(
  positions: Float32Array,
  dimensions: number,
  cells: Uint32Array,
  target: Float32Array,
): void {
  let at = 0
  for (let i = 0; i < cells.length; i++) {
    const start = (cells[i] as number) * dimensions
    for (let axis = 0; axis < dimensions; axis++) {
      const value = positions[start + axis] as number
      // False for NaN. One axis outside is enough to put the cell outside.
      target[at++] = Math.abs(value) < NOWHERE ? value : NOWHERE
    }
  }
}

/** Write the values of `cells` into the start of `target`. */
export function gatherBytes(
  values: Uint8Array | Uint16Array,
  cells: Uint32Array,
  target: Uint8Array | Uint16Array,
): void {
  for (let i = 0; i < cells.length; i++) target[i] = values[cells[i] as number] as number
}
