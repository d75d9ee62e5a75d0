import type { Embedding } from '../../../protocol/column-frame.ts'

/** An embedding with the box and the count of missing cells that a server measures; what is no finite number is missing. */
export function embeddingOf(dimensions: number, positions: Iterable<number>, more: Partial<Embedding> = {}): Embedding {
  const all = Float32Array.from(positions)
  const rows = Array.from({ length: all.length / dimensions }, (_, i) => [
    ...all.subarray(i * dimensions, (i + 1) * dimensions),
  ])
  const there = rows.filter((row) => row.every(Number.isFinite))
  const ends = (pick: (a: number, b: number) => number) =>
    Array.from({ length: dimensions }, (_, axis) =>
      there.length === 0 ? 0 : there.map((row) => row[axis] ?? 0).reduce((a, b) => pick(a, b)),
    )
  return {
    kind: 'embedding',
    key: 'X_umap',
    dimensions,
    positions: all,
    center: Array.from({ length: dimensions }, () => 0),
    scale: 1,
    low: ends(Math.min),
    high: ends(Math.max),
    missingCells: rows.length - there.length,
    yDown: false,
    ...more,
  }
}
