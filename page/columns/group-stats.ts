import type { CodesColumn, Values } from '../../protocol/column-frame.ts'
import type { Axis } from './axis.ts'

/** How one gene or field is spread within one category. */
export type GroupStats = {
  cells: number
  mean: number
  /** Share of the cells with a value above 0: of scaled data, above the gene's own mean. */
  share: number
  /** Cells in equal parts of the axis, shape (bins,). */
  bins: Float32Array
}

/**
 * Statistics of each category, missing values left out.
 * @param cells only these; all where left out
 * @returns shape (categories,)
 */
export function groupStats(
  values: Values,
  { codes, categories }: CodesColumn,
  axis: Axis,
  bins: number,
  cells: Uint32Array | null = null,
): GroupStats[] {
  const groups = categories.map((): GroupStats => ({ cells: 0, mean: 0, share: 0, bins: new Float32Array(bins) }))
  const add = (cell: number) => {
    const group = groups[codes[cell] ?? -1]
    const value = values[cell] ?? Number.NaN
    if (group === undefined || !Number.isFinite(value)) return
    group.cells++
    group.mean += value
    if (value > 0) group.share++
    const bin = Math.min(bins - 1, Math.floor(axis.place(value) * bins))
    group.bins[bin] = (group.bins[bin] ?? 0) + 1
  }
  if (cells === null) for (let cell = 0; cell < values.length; cell++) add(cell)
  else for (const cell of cells) add(cell)
  return groups.map((group) => {
    const count = Math.max(1, group.cells)
    return { ...group, mean: group.mean / count, share: group.share / count }
  })
}

/**
 * How much of a gene each category has on average, from 0 for none of it, or the lowest mean where means are below 0, to
 * 1 for the highest; categories without cells are as the lowest.
 */
export function shadesOf(groups: readonly GroupStats[]): number[] {
  const means = groups.flatMap(({ cells, mean }) => (cells > 0 ? [mean] : []))
  const low = Math.min(0, ...means)
  const span = Math.max(...means) - low
  return groups.map(({ cells, mean }) => (cells > 0 && span > 0 ? (mean - low) / span : 0))
}
