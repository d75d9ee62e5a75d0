import * as fc from 'fast-check'
import type { GeneArray } from '../../../data/anndata/anndata-reader.ts'
import type { SparseParts } from '../../../data/elements/sparse-parts.ts'
import { MemoryArray } from './memory-tree.ts'

/** A matrix by rows, each a list of (gene, value): in any order, genes may occur twice. */
export type Rows = readonly (readonly (readonly [gene: number, value: number])[])[]

/** Up to 40 rows of 5 genes, some empty, some disordered. */
export const rowsArbitrary = rowsOf(fc.integer({ min: -9, max: 9 }))

/** The same, with a few numbers that float32 cannot hold. */
export const wideRowsArbitrary = rowsOf(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -9, max: 9 }) },
    fc.constantFrom(2 ** 24 + 1, 2 ** 40 + 1, -(2 ** 31) - 1),
  ),
)

function rowsOf(value: fc.Arbitrary<number>): fc.Arbitrary<Rows> {
  return fc.array(fc.array(fc.tuple(fc.nat(4), value), { maxLength: 6 }), { maxLength: 40 })
}
export const GENES = 5

/** As a file holds it. */
export function partsOf(rows: Rows, chunk: number | null): { parts: SparseParts; pointers: Float64Array } {
  const entries = rows.flat()
  const pointers = Float64Array.from([0, ...rows.map((_, i) => rows.slice(0, i + 1).flat().length)])
  const indices = new MemoryArray(
    'X/indices',
    Int32Array.from(entries, ([gene]) => gene),
    chunk,
  )
  const stored = entries.map(([, value]) => value)
  const isNarrow = stored.every((value) => Math.fround(value) === value)
  const data = new MemoryArray('X/data', isNarrow ? Float32Array.from(stored) : Float64Array.from(stored), chunk)
  const indptr = new MemoryArray('X/indptr', pointers)
  return { parts: { data, indices, indptr, path: 'X', stored: entries.length }, pointers }
}

/** One gene as scipy has it: entries of one place added up. Rows before `startRow` are 0. */
export function denseColumn(rows: Rows, gene: number, startRow = 0): number[] {
  return rows.map((row, i) => {
    const values = row.filter(([index]) => index === gene).map(([, value]) => value)
    return i < startRow ? 0 : values.reduce((sum, value) => sum + value, 0)
  })
}

export function densified(gene: GeneArray): number[] {
  if (gene.form === 'dense') return [...gene.values]
  const values = new Array<number>(gene.n).fill(0)
  gene.rows.forEach((row, i) => {
    values[row] = gene.values[i] ?? 0
  })
  return values
}
