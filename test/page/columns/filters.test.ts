import { expect, test } from 'vitest'
import { type Filter, filterOf, hiddenBy, withFilter } from '../../../page/columns/filters.ts'
import { Store } from '../../../page/state/store.ts'
import { CELLS, IDENTITY, LOUVAIN } from '../memory-server.ts'

const louvain = { axis: 'obs', key: 'louvain' } as const
const gene = { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } as const
const values = Float32Array.of(0, 1, 2, 3, Number.NaN, 5)
const column = { kind: 'dense', values, min: 0, max: 5, missingCells: 1 } as const
const noB: Filter = { kind: 'categories', by: louvain, column: LOUVAIN as never, hidden: new Set(['B']) } // codes, as made
const from1to3: Filter = { kind: 'range', by: gene, column, low: 1, high: 3 }

test('filters hide together, and a missing value is outside of every range', () => {
  expect(hiddenBy([from1to3], new Uint32Array(0), CELLS)).toEqual(Uint32Array.of(0, 4, 5))
  expect(hiddenBy([noB], new Uint32Array(0), CELLS)).toEqual(Uint32Array.of(1, 4))
  expect(hiddenBy([noB, from1to3], Uint32Array.of(3), CELLS)).toEqual(Uint32Array.of(0, 1, 3, 4, 5))
})

test('a field or gene has one filter, and one that hides nothing is none', () => {
  const both = withFilter(withFilter([], louvain, noB), gene, from1to3)
  expect(both).toEqual([noB, from1to3])
  const moved = withFilter(both, gene, { ...from1to3, high: 2 })
  expect(filterOf(moved, gene)).toEqual({ ...from1to3, high: 2 })
  expect(moved).toHaveLength(2)
  expect(withFilter(moved, louvain, { ...noB, hidden: new Set() })).toHaveLength(1)
  expect(withFilter(moved, gene, null)).toEqual([noB])
})

test('hiding a category of the colour on screen is no work for each cell', () => {
  const store = new Store()
  store.identity.value = IDENTITY
  store.color.value = { by: louvain, column: LOUVAIN }
  const before = store.masked.value
  store.filters.value = [noB]
  expect(store.masked.value).toBe(before)
  expect(store.visibleCells.value).toBe(4)
  store.color.value = { by: gene, column }
  expect(store.masked.value).toEqual(Uint32Array.of(1, 4))
})
