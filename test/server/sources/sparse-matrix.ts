import * as fc from 'fast-check'
import type { GeneArray } from '../../../server/sources/anndata-reader.ts'
import type { SparseParts } from '../../../server/sources/stored/sparse-parts.ts'
import { MemoryArray } from './memory-tree.ts'

/** A matrix by rows, each a list of (gene, value): in any order, genes may occur twice. */
export type Rows = readonly (readonly (readonly [gene: number, value: number])[])[]

/** Up to 40 rows of 5 genes, some empty, some disordered. */
export const rowsArbitrary: fc.Arbitrary<Rows> = fc.array(
  fc.array(fc.tuple(fc.nat(4), fc.integer({ min: -9, max: 9 })), { maxLength: 6 }),
  { maxLength: 40 },
)
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
  const data = new MemoryArray(
    'X/data',
    Float32Array.from(entries, ([, value]) => value),
    chunk,
  )
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
