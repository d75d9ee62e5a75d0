import { cellValue } from './cell-value.ts'
import { colorLabel } from './colorable.ts'
import { valueAt } from './values.ts'
import type { Viewer } from './viewer.ts'

/** Spreadsheets take a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^-?[\d.]+(e[+-]?\d+)?$/i

/** The selected cells, one line each: place in obs, name, and what coloured lately. */
export async function csvOf(viewer: Viewer): Promise<Blob> {
  const columns = viewer.knownColumns()
  const lines = [['', 'cell', ...columns.map(({ by }) => colorLabel(by))]]
  const stop = new AbortController()
  for (const cell of viewer.store.selection.value.cells) {
    const values = columns.map(({ column }) =>
      column.kind === 'codes' ? cellValue(column, cell) : String(valueAt(column, cell)),
    )
    lines.push([String(cell), await viewer.cellName(cell, stop.signal), ...values])
  }
  return new Blob([lines.map((fields) => `${fields.map(quoted).join(',')}\r\n`).join('')], { type: 'text/csv' })
}

function quoted(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
