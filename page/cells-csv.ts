import { colorLabel } from './colorable.ts'
import { valueAt } from './values.ts'
import type { Viewer } from './viewer.ts'

/** As many as the server gives at once. */
const NAMES_AT_ONCE = 1_000

/**
 * The selected cells, or those that are shown, as a table: name, then what table and pointer say of them.
 * @returns text after RFC 4180; values are exact, missing ones empty
 * @throws ServerFailure when the names cannot be read
 */
export async function cellsCsv(viewer: Viewer, signal: AbortSignal): Promise<Blob> {
  const selected = viewer.store.selection.value.cells
  const cells = selected.length > 0 ? selected : viewer.visible()
  const columns = viewer.knownColumns()
  const lines = [['cell', ...columns.map(({ by }) => colorLabel(by))]]
  let [start, names]: [number, string[]] = [-1, []]
  for (const cell of cells) {
    const first = cell - (cell % NAMES_AT_ONCE)
    if (first !== start) {
      start = first
      names = await viewer.client.cellNames(start, start + NAMES_AT_ONCE, signal)
    }
    const values = columns.map(({ column }) =>
      column.kind === 'codes' ? (column.categories[column.codes[cell] ?? -1] ?? '') : exact(valueAt(column, cell)),
    )
    lines.push([names[cell - start] ?? '', ...values])
  }
  return new Blob([lines.map((line) => `${line.map(quoted).join(',')}\r\n`).join('')], { type: 'text/csv' })
}

/** The shortest number that is this one in 32 bits. */
function exact(value: number): string {
  const shortest = [6, 7, 8].map((digits) => Number(value.toPrecision(digits))).find((n) => Math.fround(n) === value)
  return Number.isNaN(value) ? '' : String(shortest ?? value)
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
