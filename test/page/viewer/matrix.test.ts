import { describe, expect, test } from 'vitest'
import { suggestionsFor } from '../../../page/columns/suggestions.ts'
import { legendOf } from '../../../page/state/picture-content.ts'
import { pageState } from '../../../page/state/saved-state.ts'
import { Store } from '../../../page/state/store.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import { type Matrix, RAW, X } from '../../../protocol/matrix.ts'
import type { PageState } from '../../../protocol/state.ts'
import { IDENTITY, MemoryServer } from '../memory-server.ts'

const LAYER: Matrix = { in: 'layers', layer: 'raw' }
const identity = {
  ...IDENTITY,
  matrices: [X, RAW, LAYER].map((matrix) => ({ matrix, genes: 3, version: '1' })),
  defaultMatrix: RAW,
}
const gene = (key: string, matrix: Matrix) => ({ axis: 'var', key, matrix }) as const

async function openViewer(saved: PageState | null = null) {
  const server = new MemoryServer()
  server.identity = identity
  const store = new Store()
  const viewer = new Viewer(store, server.client, new AbortController().signal)
  await viewer.start(Promise.resolve(saved))
  return { server, store, viewer }
}

describe('the matrix that genes are read from', () => {
  test('is the dataset’s own until another is chosen, which reads the gene on screen from there', async () => {
    const { server, store, viewer } = await openViewer()
    expect(store.matrix.value).toEqual(RAW)
    await viewer.setColor(gene('CD3D', RAW))
    await viewer.setMatrix(LAYER)
    expect(store.color.value?.by).toEqual(gene('CD3D', LAYER))
    expect(server.asked.at(-1)).toBe('_cellucid/columns/var?key=CD3D&in=layers&layer=raw&version=1')
    expect(legendOf(store)?.title).toBe('CD3D · layer raw')
    await viewer.setMatrix(RAW)
    expect(legendOf(store)?.title).toBe('CD3D · raw')
  })

  test('that lacks the gene on screen says so, and what is shown stays what it was', async () => {
    const { store, viewer } = await openViewer()
    await viewer.setColor(gene('ONLY_RAW', RAW))
    await expect(viewer.setMatrix(X)).rejects.toThrow('No gene "ONLY_RAW".')
    expect(store.notices.value).toEqual([{ topic: 'color', level: 'error', text: 'No gene "ONLY_RAW".' }])
    expect([legendOf(store)?.title, store.matrix.value]).toEqual(['ONLY_RAW · raw', X])
  })

  test('follows the gene that is shown, so that list and legend say the same', async () => {
    const { store, viewer } = await openViewer()
    await viewer.setColor(gene('CD3D', LAYER))
    expect(store.matrix.value).toEqual(LAYER)
    await viewer.setColor({ axis: 'set', name: 'CD3D + CD3D', keys: ['CD3D', 'CD3D'], matrix: X })
    expect([store.matrix.value, legendOf(store)?.title]).toEqual([X, 'CD3D + CD3D · X'])
  })

  test('is kept in the state, and a dataset without it says what is read in its place', async () => {
    const { store, viewer } = await openViewer()
    await viewer.setMatrix(LAYER)
    const again = await openViewer(pageState(store))
    expect([again.store.matrix.value, again.store.notices.value]).toEqual([LAYER, []])
    const page = { chosenMatrix: { in: 'layers', layer: 'spliced' } }
    const other = await openViewer({ page })
    expect(other.store.matrix.value).toEqual(RAW)
    expect(other.store.notices.value).toEqual([
      { topic: 'matrix', level: 'info', text: expect.stringContaining('no layer spliced') },
    ])
  })

  test('names a gene that only another one has, and where it is', () => {
    const genes = [{ key: 'R', label: 'R', id: 'R', matrix: RAW }]
    const [found] = suggestionsFor({ identity, recent: [], matrix: X }, genes, 'r').filter(
      ({ group }) => group === 'Genes',
    )
    expect(found).toEqual({ group: 'Genes', label: 'R', detail: 'only in raw', by: gene('R', RAW) })
  })
})
