import { ProtocolError } from './errors.ts'

/**
 * How a set of cells travels as bytes. `u32`: ascending unique indices, little endian. `bitmap`: bit `i & 7` of byte
 * `i >> 3` is cell `i`, `ceil(cellCount / 8)` bytes. Positions in `obs`, never names.
 */
export type CellsHead = { encoding: 'u32' | 'bitmap'; count: number; cellCount: number }
export type EncodedCells = { head: CellsHead; body: Uint8Array }

/**
 * Encode ascending, unique cell indices in whichever form is smaller.
 * @param cells shape (count,), ascending and unique; not kept
 * @param cellCount number of cells in the dataset
 */
export function encodeCells(cells: Uint32Array, cellCount: number): EncodedCells {
  const count = cells.length
  const bitmapBytes = Math.ceil(cellCount / 8)
  if (count * 4 <= bitmapBytes) {
    const body = new Uint8Array(count * 4)
    const view = new DataView(body.buffer)
    for (let i = 0; i < count; i++) view.setUint32(i * 4, cells[i] ?? 0, true)
    return { head: { encoding: 'u32', count, cellCount }, body }
  }
  const body = new Uint8Array(bitmapBytes)
  for (const cell of cells) body[cell >> 3] = (body[cell >> 3] ?? 0) | (1 << (cell & 7))
  return { head: { encoding: 'bitmap', count, cellCount }, body }
}

/**
 * Decode and check a set of cells.
 * @returns ascending, unique indices, a fresh array of shape (count,)
 * @throws ProtocolError `bad_frame` when the lengths, the order or the range do not hold
 */
export function decodeCells(head: CellsHead, body: Uint8Array, isKept = true): Uint32Array {
  const { encoding, count, cellCount } = head
  if (!Number.isSafeInteger(count) || count < 0 || count > cellCount) throw badCells(`${count} of ${cellCount} cells`)
  const decode = encoding === 'u32' ? decodeIndices : decodeBitmap
  return decode(body, count, cellCount, isKept)
}

/** As `decodeCells`, for whoever passes the bytes on: a list of 10 million cells is 32 times as long as their bitmap. */
export function checkCells(head: CellsHead, body: Uint8Array): void {
  decodeCells(head, body, false)
}

/** @param isKept false: what is written goes nowhere, as past the end of any typed array */
function decodeIndices(body: Uint8Array, count: number, cellCount: number, isKept: boolean): Uint32Array {
  if (body.length !== count * 4) throw badCells(`${body.length} bytes for ${count} cells`)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const cells = new Uint32Array(isKept ? count : 0)
  let last = -1
  for (let i = 0; i < count; i++) {
    const cell = view.getUint32(i * 4, true)
    if (cell <= last || cell >= cellCount) throw badCells(`cell ${cell} at place ${i} of ${count}`)
    cells[i] = cell
    last = cell
  }
  return cells
}

function decodeBitmap(body: Uint8Array, count: number, cellCount: number, isKept: boolean): Uint32Array {
  if (body.length !== Math.ceil(cellCount / 8))
    throw badCells(`${body.length} bytes for a bitmap of ${cellCount} cells`)
  const cells = new Uint32Array(isKept ? count : 0)
  let found = 0
  for (let byte = 0; byte < body.length; byte++) {
    const bits = body[byte] ?? 0
    for (let bit = 0; bits >> bit !== 0; bit++) {
      if (((bits >> bit) & 1) === 0) continue
      const cell = byte * 8 + bit
      if (cell >= cellCount || found === count) throw badCells(`more than ${count} cells in the bitmap`)
      cells[found++] = cell
    }
  }
  if (found !== count) throw badCells(`${found} cells in the bitmap, ${count} announced`)
  return cells
}

function badCells(found: string): ProtocolError<'bad_frame'> {
  return new ProtocolError('bad_frame', `A set of cells did not arrive whole: ${found}. Select again.`)
}
