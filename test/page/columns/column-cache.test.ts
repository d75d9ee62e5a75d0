import { expect, test } from 'vitest'
import { ColumnCache } from '../../../page/columns/column-cache.ts'
import type { DenseColumn } from '../../../protocol/column-frame.ts'

const column = (cells: number): DenseColumn => {
  return { kind: 'dense', values: new Float32Array(cells), min: 0, max: 0, missingCells: 0 }
}
const gene = (key: string) => ({ axis: 'var', key, matrix: { in: 'X' } }) as const

test('the least recently used columns leave when the bytes are used up', () => {
  const cache = new ColumnCache(4 * 30)
  for (const key of ['a', 'b', 'c']) cache.set(gene(key), column(10))
  cache.get(gene('a'))
  cache.set(gene('d'), column(10))
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(gene(key)) !== undefined)).toEqual([true, false, true, true])
})

test('a column larger than the cache is kept alone', () => {
  const cache = new ColumnCache(40)
  cache.set(gene('a'), column(5))
  cache.set(gene('b'), column(50))
  expect(cache.get(gene('a'))).toBeUndefined()
  expect(cache.get(gene('b'))).toBeDefined()
})

test('a field, a gene and the same gene of another layer are three', () => {
  const cache = new ColumnCache()
  cache.set({ axis: 'obs', key: 'x' }, column(1))
  cache.set(gene('x'), column(2))
  cache.set({ ...gene('x'), matrix: { in: 'raw' } }, column(3))
  const cells = (by: Parameters<ColumnCache['get']>[0]) => (cache.get(by) as DenseColumn).values.length // as set above
  expect([cells({ axis: 'obs', key: 'x' }), cells(gene('x')), cells({ ...gene('x'), matrix: { in: 'raw' } })]).toEqual([
    1, 2, 3,
  ])
})
