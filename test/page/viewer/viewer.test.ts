import { describe, expect, test } from 'vitest'
import { pageState } from '../../../page/state/saved-state.ts'
import { Store } from '../../../page/state/store.ts'
import { unplacedSentence } from '../../../page/state/unplaced.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import type { Identity } from '../../../protocol/identity.ts'
import type { PageState } from '../../../protocol/state.ts'
import { CELLS, IDENTITY, MemoryServer } from '../memory-server.ts'

const GENE = { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } as const
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

describe('an embedding that has to be chosen', () => {
  const LATENT: Identity = {
    ...IDENTITY,
    embeddings: [{ key: 'X_scVI', label: 'scVI', columns: 30, dimensions: [2, 3], version: '1' }],
    defaultEmbedding: null,
  }

  async function openLatent() {
    const server = new MemoryServer()
    server.identity = LATENT
    server.damaged.add('')
    const opened = await openViewer(null, server)
    return { ...opened, placed: opened.viewer.whenPlaced() }
  }

  test('is asked for in a sentence, not in an alert, and the first that is chosen is the first picture', async () => {
    const { viewer, store, placed } = await openLatent()
    expect(store.embedding.value).toBeNull()
    expect(store.notices.value).toEqual([])
    expect(unplacedSentence(store)).toMatch(/^None of the embeddings is a picture by itself: choose one/)
    await viewer.setEmbedding({ key: 'X_scVI', dimensions: 2 })
    await placed
    expect(unplacedSentence(store)).toBeNull()
    expect(store.embedding.value?.key).toBe('X_scVI')
  })

  test('is asked for also where the saved state comes later, or never', async () => {
    const server = new MemoryServer()
    server.identity = LATENT
    server.damaged.add('')
    const store = new Store()
    const saved = Promise.withResolvers<PageState | null>()
    await new Viewer(store, server.client, new AbortController().signal).start(saved.promise)
    expect(unplacedSentence(store)).not.toBeNull()
    saved.resolve({ embedding: 'X_scVI', dimensions: 2, color: null })
    await expect.poll(() => store.embedding.value?.key).toBe('X_scVI')
  })

  test('is shown by a refresh once one was made', async () => {
    const { viewer, store, server, placed } = await openLatent()
    server.identity = { ...IDENTITY, version: '2' }
    await viewer.refresh()
    await placed
    expect(store.embedding.value?.key).toBe('X_umap')
    expect(unplacedSentence(store)).toBeNull()
  })

  test('may be another where the first cannot be read: its alert goes with the next that works', async () => {
    const server = new MemoryServer()
    server.damaged.add('')
    const { viewer, store } = await openViewer(null, server)
    const placed = viewer.whenPlaced()
    expect(store.notices.value).toEqual([{ topic: 'embedding', level: 'error', text: 'obsm "X_umap" is damaged.' }])
    expect(unplacedSentence(store)).toMatch(/^Choose an embedding/)
    await viewer.setEmbedding({ key: 'X_pca', dimensions: 3 })
    await placed
    expect(store.notices.value).toEqual([])
    expect(store.embedding.value).toMatchObject({ key: 'X_pca', dimensions: 3 })
  })

  test('does not exist where the dataset has none, and the sentence names what makes one from counts', async () => {
    const server = new MemoryServer()
    server.identity = { ...LATENT, embeddings: [] }
    const { store } = await openViewer(null, server)
    expect(unplacedSentence(store)).toMatch(/no embedding.*sc\.pp\.pca.*sc\.pp\.neighbors.*sc\.tl\.umap/)
  })
})

test('an alert goes with its cause: no colour, or the embedding that is on screen', async () => {
  const { viewer, store, server } = await openViewer()
  await viewer.setColor({ axis: 'var', key: 'CD3X', matrix: { in: 'X' } }).catch(() => undefined)
  server.damaged.add('X_pca')
  await viewer.setEmbedding({ key: 'X_pca', dimensions: 2 }).catch(() => undefined)
  expect(store.notices.value).toHaveLength(2)
  await viewer.setColor(null)
  await viewer.setEmbedding({ key: 'X_umap', dimensions: 2 })
  expect(store.notices.value).toEqual([])
})

test('a kernel that is busy at first is asked again, and its alert goes when it answers', async () => {
  const server = new MemoryServer()
  server.busyAnswers = 1
  const store = new Store()
  const started = new Viewer(store, server.client, new AbortController().signal).start(Promise.resolve(null))
  await expect
    .poll(() => store.notices.value)
    .toEqual([{ topic: 'dataset', level: 'error', text: 'The notebook computes.' }])
  await started
  expect(store.notices.value).toEqual([])
  expect(store.embedding.value?.key).toBe('X_umap')
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
    await expect(viewer.setColor({ axis: 'var', key: 'CD3X', matrix: { in: 'X' } })).rejects.toThrow('No gene "CD3X".')
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
  server.identity = { ...IDENTITY, obs: [...IDENTITY.obs, { key: 'new', kind: 'continuous', version: '1' }] }
  const before = server.asked.length
  await viewer.refresh()
  expect(server.asked.slice(before)).toEqual([
    '_cellucid/identity',
    '_cellucid/embedding?key=X_pca&dimensions=3&version=1',
    '_cellucid/columns/var?key=CD3D&in=X&version=1',
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
