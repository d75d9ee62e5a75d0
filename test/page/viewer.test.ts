import { describe, expect, test } from 'vitest'
import { pageState } from '../../page/saved-state.ts'
import { Store } from '../../page/store.ts'
import { Viewer } from '../../page/viewer.ts'
import type { PageState } from '../../protocol/state.ts'
import { CELLS, IDENTITY, MemoryServer } from './memory-server.ts'

const GENE = { axis: 'var', key: 'CD3D', layer: null } as const
const FIELD = { axis: 'obs', key: 'n_genes' } as const

async function openViewer(saved: PageState | null = null, server = new MemoryServer()) {
  const store = new Store()
  const viewer = new Viewer(store, server.client, new AbortController().signal)
  await viewer.start(Promise.resolve(saved))
  return { store, viewer, server }
}

describe('the first picture', () => {
  test('asks for identity, embedding and colour at once, before any has come', async () => {
    const server = new MemoryServer()
    const letGo = server.hold('_cellucid/')
    const store = new Store()
    const started = new Viewer(store, server.client, new AbortController().signal).start(Promise.resolve(null))
    expect(server.asked).toEqual(['_cellucid/identity', '_cellucid/embedding', '_cellucid/columns/obs'])
    letGo()
    await started
    expect(server.asked).toHaveLength(3)
    expect(store.embedding.value?.key).toBe('X_umap')
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'louvain' })
    expect(store.pending.value.size).toBe(0)
  })

  test('is where the viewer was left', async () => {
    const { store } = await openViewer({
      embedding: 'X_pca',
      dimensions: 3,
      color: GENE,
      hiddenCategories: { louvain: ['B'] },
    })
    expect(store.embedding.value).toMatchObject({ key: 'X_pca', dimensions: 3 })
    expect(store.color.value?.by).toEqual(GENE)
    expect(pageState(store).hiddenCategories).toEqual({ louvain: ['B'] })
  })

  test('comes without the saved state when that does not come, and goes there when it does', async () => {
    const server = new MemoryServer()
    const store = new Store()
    const saved = Promise.withResolvers<PageState | null>()
    await new Viewer(store, server.client, new AbortController().signal).start(saved.promise)
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'louvain' })
    saved.resolve({ color: FIELD })
    await expect.poll(() => store.color.value?.by).toEqual({ axis: 'obs', key: 'n_genes' })
  })

  test('gets its colour also when that comes long after it', async () => {
    const server = new MemoryServer()
    const letGo = server.hold('columns/obs')
    const { store } = await openViewer(null, server)
    expect([store.embedding.value?.key, store.color.value]).toEqual(['X_umap', null])
    letGo()
    await expect.poll(() => store.color.value?.by).toEqual({ axis: 'obs', key: 'louvain' })
  })

  test('comes also long after its colour', async () => {
    const server = new MemoryServer()
    const letGo = server.hold('_cellucid/embedding')
    const opened = openViewer(null, server)
    await new Promise((resolve) => setTimeout(resolve, 50)) // the colour has come
    letGo()
    const { store } = await opened
    expect(store.embedding.value?.key).toBe('X_umap')
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'louvain' })
  })

  test('stands without a colour when that cannot be read, with the sentence in place', async () => {
    const server = new MemoryServer()
    server.identity = { ...IDENTITY, defaultColor: { axis: 'obs', key: 'gone' } }
    const { store } = await openViewer({ color: { axis: 'obs', key: 'gone' } }, server)
    expect(store.embedding.value?.key).toBe('X_umap')
    expect(store.notices.value).toEqual([])
    const other = await openViewer({ color: { axis: 'obs', key: 'nothing' } })
    expect(other.store.notices.value).toEqual([{ topic: 'color', level: 'error', text: 'No field "nothing".' }])
    expect(other.store.embedding.value?.key).toBe('X_umap')
  })
})

describe('a colour', () => {
  test('is read once and then taken from the cache', async () => {
    const { viewer, server, store } = await openViewer()
    await viewer.setColor(GENE)
    await viewer.setColor(FIELD)
    await viewer.setColor(GENE)
    expect(server.asked.filter((path) => path.includes('CD3D'))).toHaveLength(1)
    expect(store.color.value?.by).toEqual(GENE)
  })

  test('that a newer choice overtook is never shown, however late it comes', async () => {
    const { viewer, server, store } = await openViewer()
    const letGo = server.hold('CD3D')
    const older = viewer.setColor(GENE)
    expect([...store.pending.value.values()]).toEqual(['CD3D'])
    await viewer.setColor(FIELD)
    letGo()
    await older
    expect(store.color.value?.by).toEqual(FIELD)
    expect(store.pending.value.size).toBe(0)
  })

  test('that does not exist leaves the old picture, with the sentence in its place until the next works', async () => {
    const { viewer, store } = await openViewer()
    await expect(viewer.setColor({ axis: 'var', key: 'CD3X', layer: null })).rejects.toThrow('No gene "CD3X".')
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'louvain' })
    expect(store.notices.value).toEqual([{ topic: 'color', level: 'error', text: 'No gene "CD3X".' }])
    await viewer.setColor(GENE)
    expect(store.notices.value).toEqual([])
  })
})

describe('sets of cells', () => {
  test('a selection is replaced, added to, subtracted from and survives another embedding', async () => {
    const { viewer, store } = await openViewer()
    viewer.select(Uint32Array.of(0, 2, 4), 'replace', 'lasso')
    viewer.select(Uint32Array.of(1, 2), 'add', 'lasso')
    viewer.select(Uint32Array.of(0, 5), 'subtract', 'lasso')
    await viewer.setEmbedding({ key: 'X_pca', dimensions: 2 })
    expect(store.selection.value).toEqual({ cells: Uint32Array.of(1, 2, 4), source: 'lasso' })
  })

  test('highlights of one colour add up, and the last colour is drawn over the others', async () => {
    const { viewer, store } = await openViewer()
    viewer.highlight('#f00', Uint32Array.of(3))
    viewer.highlight('#00f', Uint32Array.of(3))
    viewer.highlight('#f00', Uint32Array.of(1))
    expect([...store.highlights.value]).toEqual([
      ['#00f', Uint32Array.of(3)],
      ['#f00', Uint32Array.of(1, 3)],
    ])
  })

  test('hiding all and showing some leaves the others hidden', async () => {
    const { viewer, store } = await openViewer()
    viewer.setVisibility(null, false)
    expect(store.hiddenCells.value).toHaveLength(CELLS)
    viewer.setVisibility(Uint32Array.of(0, 5), true)
    expect(store.hiddenCells.value).toEqual(Uint32Array.of(1, 2, 3, 4))
    viewer.setVisibility(null, true)
    expect(store.hiddenCells.value).toHaveLength(0)
  })
})

test('a refresh reads anew what is on screen and keeps the view', async () => {
  const { viewer, store, server } = await openViewer({ embedding: 'X_pca', dimensions: 3, color: GENE })
  server.identity = { ...IDENTITY, obs: [...IDENTITY.obs, { key: 'new', kind: 'continuous' }] }
  const before = server.asked.length
  await viewer.refresh()
  expect(server.asked.slice(before)).toEqual([
    '_cellucid/identity',
    '_cellucid/embedding?key=X_pca&dimensions=3',
    '_cellucid/columns/var?key=CD3D',
  ])
  expect(store.identity.value?.obs.at(-1)?.key).toBe('new')
  expect(pageState(store)).toMatchObject({ embedding: 'X_pca', dimensions: 3, color: GENE })
})

test('a refresh leaves what was chosen meanwhile, and reads that anew', async () => {
  const { viewer, store, server } = await openViewer()
  const release = server.hold('identity')
  const refreshed = viewer.refresh()
  const letGene = server.hold('columns/var')
  const letPlaces = server.hold('X_pca')
  const chosen = [viewer.setColor(GENE), viewer.setEmbedding({ key: 'X_pca', dimensions: 3 })]
  release()
  await expect.poll(() => server.asked.filter((path) => path.includes('CD3D'))).toHaveLength(2)
  letGene()
  letPlaces()
  await Promise.all([refreshed, ...chosen])
  expect(pageState(store)).toMatchObject({ embedding: 'X_pca', dimensions: 3, color: GENE })
})
