import { expect, test } from 'vitest'
import { labelsOf, legendOf } from '../../../page/state/picture-content.ts'
import { Store } from '../../../page/state/store.ts'
import { IDENTITY, LOUVAIN } from '../memory-server.ts'
import { embeddingOf } from '../scatter/embedding-of.ts'

test('a name stands among the cells that are visible, and is gone with the last of them', () => {
  const store = new Store()
  store.identity.value = IDENTITY
  store.color.value = { by: { axis: 'obs', key: 'louvain' }, column: LOUVAIN }
  // Cells 1 and 4 are B's.
  store.embedding.value = embeddingOf(2, [0, 0, 4, 4, 0, 0, 0, 0, 6, 6, 0, 0])
  const ofB = () => labelsOf(store).find(({ text }) => text === 'B')
  expect(ofB()?.at.slice(0, 2)).toEqual([4, 4])
  store.hiddenCells.value = Uint32Array.of(1)
  expect(ofB()?.at.slice(0, 2)).toEqual([6, 6])
  store.hiddenCells.value = Uint32Array.of(1, 4)
  expect(ofB()).toBeUndefined()
})

test('the legend of a saved picture tells the one value of a field that has no other, and how many cells have it', () => {
  const store = new Store()
  store.identity.value = IDENTITY
  const values = Float32Array.of(7, 7, 7, 7, 7, Number.NaN)
  const column = { kind: 'dense', values, min: 7, max: 7, missingCells: 1 } as const
  store.color.value = { by: { axis: 'obs', key: 'n_genes' }, column }
  expect(legendOf(store)).toEqual({
    kind: 'categories',
    title: 'n_genes',
    entries: [{ name: '7', color: '#440154', count: 5 }],
  })
})
