import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Store } from '../../../page/state/store.ts'
import { Reporter } from '../../../page/viewer/state-reporter.ts'
import { IDENTITY, LOUVAIN } from '../memory-server.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function openReporter() {
  const store = new Store()
  store.identity.value = IDENTITY
  store.selection.value = { cells: Uint32Array.of(1), source: 'state' }
  const told: unknown[][] = []
  const reporter = new Reporter(store, {
    event: (event) => told.push(['event', event]),
    selection: (cells, cellCount, source) => told.push(['selection', [...cells], cellCount, source]),
    cellSet: (name, cells) => told.push(['cellSet', name, [...cells]]),
    state: (state) => told.push(['state', state.color]),
  })
  reporter.begin()
  return { store, reporter, told }
}

describe('the reporter', () => {
  test('does not repeat where the page started', () => {
    expect(openReporter().told).toEqual([])
  })

  test('tells the state once it has settled, and not again while it is the same', () => {
    const { store, told } = openReporter()
    const by = { axis: 'obs', key: 'louvain' } as const
    for (const zoom of [1, 2, 3]) store.camera.value = { center: [0, 0], zoom }
    store.color.value = { by, column: LOUVAIN }
    expect(told).toEqual([['event', { kind: 'colorBy', field: 'louvain', matrix: null }]])
    vi.advanceTimersByTime(1_000)
    expect(told.slice(1)).toEqual([['state', by]])
    store.camera.value = { center: [0, 0], zoom: 3 }
    vi.advanceTimersByTime(1_000)
    expect(told).toHaveLength(2)
  })

  test('tells the state at once when asked, before an acknowledgement', () => {
    const { store, reporter, told } = openReporter()
    store.camera.value = { center: [1, 0], zoom: 1 }
    reporter.flush()
    expect(told).toEqual([['state', null]])
    vi.advanceTimersByTime(1_000)
    expect(told).toHaveLength(1)
  })

  test('tells the user’s selections as events, a command’s and a session’s as a set to keep', () => {
    const { store, told } = openReporter()
    store.selection.value = { cells: Uint32Array.of(2, 3), source: 'lasso' }
    store.selection.value = { cells: Uint32Array.of(4), source: 'command' }
    store.selection.value = { cells: Uint32Array.of(5), source: 'state' }
    expect(told).toEqual([
      ['selection', [2, 3], 6, 'lasso'],
      ['cellSet', 'selection', [4]],
      ['cellSet', 'selection', [5]],
    ])
  })

  test('tells of highlights only the colours that changed, and those that are gone as empty', () => {
    const { store, told } = openReporter()
    const red = Uint32Array.of(1)
    store.highlights.value = new Map([['#f00', red]])
    store.highlights.value = new Map([
      ['#f00', red],
      ['#00f', Uint32Array.of(2)],
    ])
    store.highlights.value = new Map([['#00f', Uint32Array.of(2, 3)]])
    expect(told).toEqual([
      ['cellSet', 'highlight/#f00', [1]],
      ['cellSet', 'highlight/#00f', [2]],
      ['cellSet', 'highlight/#f00', []],
      ['cellSet', 'highlight/#00f', [2, 3]],
    ])
  })
})
