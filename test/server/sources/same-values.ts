import { expect } from 'vitest'
import type { DataSource } from '../../../data/data-source.ts'
import type { Column } from '../../../protocol/column-frame.ts'
import { matrixKey, X } from '../../../protocol/matrix.ts'
import { asExpected, type ExpectedColumn, type ExpectedData } from './anndata-files.ts'

const signal = new AbortController().signal

/** Every obs column, value by value, is what anndata reads; names of cells are refused. */
export async function expectObs(source: DataSource, { obs }: ExpectedData): Promise<void> {
  for (const [key, column] of Object.entries(obs)) {
    const reading = source.obs(key, signal)
    if (column.kind === 'identifier') await expect(reading).rejects.toMatchObject({ code: 'unsupported' })
    else expect(readable(await reading), key).toEqual(column)
  }
}

/** Every gene of X, of every layer and of raw, value by value, is what anndata reads. */
export async function expectGenes(
  source: DataSource,
  { matrices, varNames, rawVarNames }: ExpectedData,
): Promise<void> {
  const identity = await source.identity(signal)
  const known = Object.keys(matrices)
  expect(identity.matrices.map(({ matrix }) => matrixKey(matrix))).toEqual(expect.arrayContaining(known))
  const { genes: listed } = await source.genes('', varNames.length, X, signal)
  for (const { matrix } of identity.matrices.filter((entry) => known.includes(matrixKey(entry.matrix)))) {
    const genes = matrices[matrixKey(matrix)]!
    // Search lists all genes of X in order of var, with unique keys; names of raw are unique here.
    const keys = matrix.in === 'raw' ? rawVarNames : listed.map(({ key }) => key)
    expect(genes).toHaveLength(keys.length)
    for (const [index, values] of genes.entries()) {
      const column = await source.gene(keys[index]!, matrix, signal)
      expect(readable(column), `${matrixKey(matrix)} ${keys[index]}`).toEqual({ kind: 'dense', values })
    }
  }
}

/** Positions, put back to where they were, are what anndata reads; their longest side is [-1, 1]. */
export async function expectEmbedding(source: DataSource, key: string, { obsm }: ExpectedData): Promise<void> {
  const stored = obsm[key]!
  const { positions, center, scale } = await source.embedding(key, 2, signal)
  for (const [row, coordinates] of stored.entries()) {
    const isMissing = coordinates.some((value) => typeof value !== 'number')
    for (const [axis, value] of coordinates.slice(0, 2).entries()) {
      const position = positions[row * 2 + axis]!
      if (isMissing) expect(position).toBeNaN()
      // As near as 24 bits can be at this size.
      else
        expect(Math.abs(position * scale + center[axis]! - Number(value))).toBeLessThan(
          1e-6 * Math.max(scale, Math.abs(Number(value))),
        )
    }
  }
  const present = positions.filter((value) => !Number.isNaN(value))
  expect([Math.min(...present), Math.max(...present)]).toEqual([-1, 1])
}

/** A column in the form of the expected values. */
export function readable(column: Column): ExpectedColumn {
  switch (column.kind) {
    case 'codes': {
      const { categories, codes, ordered } = column
      const labels = Array.from(codes, (code) => categories[code] ?? null)
      return { kind: 'codes', categories: [...categories], ordered, labels }
    }
    case 'dense':
      return { kind: 'dense', values: Array.from(column.values, asExpected) }
    case 'sparse': {
      const values = new Array(column.n).fill(0)
      column.rows.forEach((row, i) => {
        values[row] = asExpected(column.values[i])
      })
      return { kind: 'dense', values }
    }
  }
}
