import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { ROOT } from '../command.mjs'

/** One measured operation; `ratio` is ours by peer, `null` where nothing else does the same, or does it with nothing. */
export type Row = { operation: string; ours: number; peer: number | null; ratio: number | null; unit: string }

/** What a ratio, or where no peer is meant our own number, should stay below; it is printed, not written. */
export type Goals = Readonly<Record<string, number | { atMost: number }>>

export function row(operation: string, unit: string, { ours, peer }: { ours: number; peer: number | null }): Row {
  return {
    operation,
    ours: rounded(ours),
    peer: peer === null ? null : rounded(peer),
    // Nothing is no measure.
    ratio: peer === null || peer === 0 ? null : rounded(ours / peer),
    unit,
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [below, above] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (below === undefined || above === undefined) throw new Error('No values, so no median')
  return (below + above) / 2
}

/** Print the rows as a table and write them as JSON, for whoever compares runs. */
export function publish(rows: readonly Row[], file: string, goals: Goals = {}): void {
  const table = rows.map(({ operation, ours, peer, ratio, unit }) => {
    return [
      operation,
      `${ours} ${unit}`,
      peer === null ? '–' : `${peer} ${unit}`,
      ratio === null ? '–' : `${ratio}`,
      verdict(goals[operation], ours, ratio),
    ]
  })
  const all = [['operation', 'ours', 'peer', 'ratio', 'goal'], ...table]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)))
  for (const cells of all)
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`)
  console.log(`written to ${relative(ROOT, file)}`)
}

function verdict(goal: Goals[string] | undefined, ours: number, ratio: number | null): string {
  const isOwn = typeof goal === 'object'
  const value = isOwn ? ours : ratio
  const limit = isOwn ? goal.atMost : goal
  if (limit === undefined || value === null) return ''
  return `${value <= limit ? 'within' : 'MISSED'} ${limit}`
}

/** Three digits say what a measurement on a shared machine can say. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
