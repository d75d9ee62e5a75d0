import { colorTitle } from '../columns/colorable.ts'
import { valueAt } from '../columns/column-values.ts'
import type { Viewer } from './viewer.ts'

/** As many as the server gives at once. */
const NAMES_AT_ONCE = 1_000

/**
 * The selected cells, or those that are shown, as a table: name, then what table and pointer say of them.
 * @param isRaw texts as they are, also those that a spreadsheet would run as a formula
 * @returns text after RFC 4180; values are exact, missing ones empty
 * @throws ServerFailure when the names cannot be read
 */
export async function cellsCsv(viewer: Viewer, isRaw: boolean, signal: AbortSignal): Promise<Blob> {
  const selected = viewer.store.selection.value.cells
  const cells = selected.length > 0 ? selected : viewer.visible()
  const columns = viewer.knownColumns()
  const lines = [['cell', ...columns.map(({ by }) => colorTitle(by))]]
  let [start, names]: [number, string[]] = [-1, []]
  for (const cell of cells) {
    const first = cell - (cell % NAMES_AT_ONCE)
    if (first !== start) {
      start = first
      names = await viewer.client.cellNames(start, start + NAMES_AT_ONCE, signal)
    }
    const values = columns.map(({ column }) =>
      column.kind === 'codes'
        ? (column.categories[column.codes[cell] ?? -1] ?? '')
        : exact(valueAt(column, cell), column.values instanceof Float32Array),
    )
    lines.push([names[cell - start] ?? '', ...values])
  }
  const field = isRaw ? quoted : (text: string) => quoted(harmless(text))
  return new Blob([lines.map((line) => `${line.map(field).join(',')}\r\n`).join('')], { type: 'text/csv' })
}

/** All digits, of what came in 32 bits the shortest number that is this one there. */
function exact(value: number, isFloat32: boolean): string {
  if (Number.isNaN(value)) return ''
  if (!isFloat32 || Number.isInteger(value)) return String(value)
  const shortest = [6, 7, 8].map((digits) => Number(value.toPrecision(digits))).find((n) => Math.fround(n) === value)
  return String(shortest ?? value)
}

/**
 * A spreadsheet runs a text that begins like a formula, and names come from files of strangers: an apostrophe before it
 * makes it a text. Numbers stay numbers.
 */
export function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
