import { expect, test } from 'vitest'
import { valueRange } from '../../../data/value-range.ts'
import { asCategories, asValues } from '../../../page/state/as-categories.ts'
import { History } from '../../../page/state/history.ts'
import { pageState } from '../../../page/state/saved-state.ts'
import { Store } from '../../../page/state/store.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import type { DenseColumn, Values } from '../../../protocol/column-frame.ts'
import { MemoryServer } from '../memory-server.ts'

const FIELD = { axis: 'obs', key: 'n_genes' } as const

function columnOf(values: Values): DenseColumn {
  return { kind: 'dense', values, ...valueRange(values) }
}

async function shown() {
  const store = new Store()
  const viewer = new Viewer(store, new MemoryServer().client, new AbortController().signal)
  await viewer.start(Promise.resolve(null))
  await viewer.setColor(FIELD)
  return { store, viewer }
}

test('whole numbers become categories in their order, with labels that are the numbers', () => {
  const column = columnOf(Float32Array.of(10, 2, Number.NaN, 2, -1))
  const categories = asCategories(column)
  expect(categories).toMatchObject({ categories: ['-1', '2', '10'], missingCells: 1 })
  expect([...categories!.codes]).toEqual([2, 1, 255, 1, 0])
  expect(new Set(categories!.colors).size).toBe(3)
  expect(asValues(categories!)).toBe(column)
  expect(asCategories(columnOf(Int32Array.of(20_230_101, 20_230_102)))?.categories).toEqual(['20230101', '20230102'])
})

test('numbers with a fraction, without an end, or of which more than a hundred differ are no categories', () => {
  expect(asCategories(columnOf(Float32Array.of(1, 2.5)))).toBeNull()
  expect(asCategories(columnOf(Float32Array.of(1, Number.POSITIVE_INFINITY)))).toBeNull()
  expect(asCategories(columnOf(Float32Array.of(Number.NaN)))).toBeNull()
  const many = (count: number) => columnOf(Float32Array.from({ length: count }, (_, i) => i))
  expect(asCategories(many(100))?.categories).toHaveLength(100)
  expect(asCategories(many(101))).toBeNull()
})

test('one step shows a field of numbers as categories, another as values again, and both are undone', async () => {
  const { store, viewer } = await shown()
  const history = new History(store)
  history.begin()
  viewer.setFilter(FIELD, {
    kind: 'range',
    by: FIELD,
    column: store.color.value!.column as DenseColumn,
    low: 1,
    high: 9,
  })
  viewer.setAsCategories('n_genes', true)
  expect(store.color.value?.column).toMatchObject({ kind: 'codes', categories: ['7'] })
  expect(store.filters.value).toEqual([])
  expect((await viewer.column(FIELD, new AbortController().signal)).kind).toBe('codes')
  expect(viewer.knownColumns()[0]?.column.kind).toBe('codes')
  history.undo()
  expect(store.color.value?.column.kind).toBe('dense')
  expect(store.filters.value).toHaveLength(1)
  history.redo()
  expect(store.color.value?.column.kind).toBe('codes')
  viewer.setAsCategories('n_genes', false)
  expect(store.color.value?.column.kind).toBe('dense')
})

test('a saved state brings a field back as categories, with those that were hidden', async () => {
  const { store, viewer } = await shown()
  viewer.setAsCategories('n_genes', true)
  const { column } = store.color.value!
  if (column.kind !== 'codes') throw new Error('still values')
  viewer.setFilter(FIELD, { kind: 'categories', by: FIELD, column, hidden: new Set(['7']) })
  const saved = JSON.parse(JSON.stringify(pageState(store)))
  const later = new Store()
  await new Viewer(later, new MemoryServer().client, new AbortController().signal).start(Promise.resolve(saved))
  expect(later.color.value?.column.kind).toBe('codes')
  expect(later.filters.value).toMatchObject([{ kind: 'categories', by: FIELD }])
  expect(pageState(later).hiddenCategories).toEqual({ n_genes: ['7'] })
})

test('the values of a gene stay values', async () => {
  const { store, viewer } = await shown()
  viewer.setAsCategories('CD3D', true)
  await viewer.setColor({ axis: 'var', key: 'CD3D', matrix: { in: 'X' } })
  expect(store.color.value?.column.kind).toBe('sparse')
})
