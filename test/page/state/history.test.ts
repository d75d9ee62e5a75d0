import { beforeEach, expect, test, vi } from 'vitest'
import { History } from '../../../page/state/history.ts'
import { Store } from '../../../page/state/store.ts'

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

function openHistory() {
  const store = new Store()
  const history = new History(store)
  store.selection.value = { cells: Uint32Array.of(9), source: 'state' }
  const stop = history.begin()
  const select = (...cells: number[]) => {
    vi.advanceTimersByTime(1_000)
    store.selection.value = { cells: Uint32Array.from(cells), source: 'lasso' }
  }
  const selected = () => [...store.selection.value.cells]
  return { store, history, select, selected, stop }
}

test('goes back to where the page started and no further, and forth again', () => {
  const { history, select, selected } = openHistory()
  expect(history.canUndo).toBe(false)
  select(1)
  select(1, 2)
  history.undo()
  expect(selected()).toEqual([1])
  history.undo()
  history.undo()
  expect(selected()).toEqual([9])
  expect([history.canUndo, history.canRedo]).toEqual([false, true])
  history.redo()
  history.redo()
  expect(selected()).toEqual([1, 2])
})

test('a new change ends the way forth', () => {
  const { history, select, selected } = openHistory()
  select(1)
  select(2)
  history.undo()
  select(3)
  expect(history.canRedo).toBe(false)
  history.undo()
  expect(selected()).toEqual([1])
})

test('a drag is one change, and two kinds of change are two', () => {
  const { store, history } = openHistory()
  vi.advanceTimersByTime(1_000)
  const scaleTo = (high: number) => {
    store.scales.value = { gene: { scale: 'viridis', range: [0, high], isLog: false } }
  }
  for (const high of [5, 4, 3]) scaleTo(high)
  store.categoryColors.value = { louvain: { B: '#fff' } }
  history.undo()
  expect(store.categoryColors.value).toEqual({})
  expect(store.scales.value.gene?.range).toEqual([0, 3])
  history.undo()
  expect(store.scales.value).toEqual({})
  expect(history.canUndo).toBe(false)
})

test('a selection that comes back is told to the kernel, one that stays is not', () => {
  const { store, history, select } = openHistory()
  select(1)
  select(2)
  history.undo()
  expect(store.selection.value.source).toBe('undo')
  const before = store.selection.value
  vi.advanceTimersByTime(1_000)
  store.groups.value = new Map([['mine', Uint32Array.of(1)]])
  history.undo()
  expect(store.selection.value).toBe(before)
})

test('the oldest changes are forgotten, so that sets of cells do not pile up', () => {
  const { history, select, selected } = openHistory()
  for (let cell = 100; cell < 130; cell++) select(cell)
  while (history.canUndo) history.undo()
  expect(selected()).toEqual([109])
})
