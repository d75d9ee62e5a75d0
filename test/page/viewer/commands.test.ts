import { describe, expect, test } from 'vitest'
import { Store } from '../../../page/state/store.ts'
import { applyCommand } from '../../../page/viewer/commands.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import { decodeCells, encodeCells } from '../../../protocol/cells.ts'
import type { Command } from '../../../protocol/commands.ts'
import type { ViewerEvent } from '../../../protocol/events.ts'
import type { PageState } from '../../../protocol/state.ts'
import { CELLS, IDENTITY, MemoryServer } from '../memory-server.ts'

async function openPage() {
  const store = new Store()
  const server = new MemoryServer()
  const viewer = new Viewer(store, server.client, new AbortController().signal)
  const identity = viewer.start(Promise.resolve(null))
  await identity
  const events: ViewerEvent[] = []
  const screenshot = async () => undefined
  const event = (told: ViewerEvent) => events.push(told)
  let timesFrozen = 0
  const freeze = async () => void timesFrozen++
  const context = { viewer, identity, event, screenshot, freeze, report: () => ({ ok: 1 }) }
  const apply = (command: Command, cells: Uint32Array | null = null, body = new Uint8Array(0)) =>
    applyCommand(context, command, cells, body)
  return { store, server, events, apply, timesFrozen: () => timesFrozen }
}

const someCells = (cellCount = CELLS) => {
  const { head, body } = encodeCells(Uint32Array.of(1, 3), cellCount)
  return { head, cells: decodeCells(head, body) }
}

function sessionOf(state: PageState, cellsByName: Record<string, number[]>) {
  const encoded = Object.entries(cellsByName).map(([name, cells]) => ({
    name,
    ...encodeCells(Uint32Array.from(cells), CELLS),
  }))
  const sets = encoded.map(({ name, head, body }) => ({ name, bytes: body.byteLength, cells: head }))
  const command = { kind: 'loadSession', requestId: 's', state, sets } as const
  return { command, body: Uint8Array.from(encoded.flatMap(({ body }) => [...body])) }
}

describe('a command', () => {
  test('colours by an obs field where there is one of that name, else by a gene', async () => {
    const { store, apply } = await openPage()
    expect(await apply({ kind: 'setColorBy', field: 'n_genes' })).toEqual({ ok: true })
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'n_genes' })
    await apply({ kind: 'setColorBy', field: 'CD3D' })
    expect(store.color.value?.by).toEqual({ axis: 'var', key: 'CD3D', matrix: { in: 'X' } })
    await apply({ kind: 'setColorBy', field: null })
    expect(store.color.value).toBeNull()
  })

  test('believes what the server made of the name', async () => {
    const { store, apply } = await openPage()
    const color = { axis: 'var', key: 'CD3D', matrix: { in: 'raw' } } as const
    await apply({ kind: 'setColorBy', field: 'CD3D', color })
    expect(store.color.value?.by).toEqual(color)
  })

  test('that cannot be read is refused with the sentence that the page shows', async () => {
    const { apply } = await openPage()
    await expect(apply({ kind: 'setColorBy', field: 'CD3X' })).rejects.toThrow('No gene "CD3X".')
  })

  test('finds an embedding by its key, its short name and its label', async () => {
    const { store, apply } = await openPage()
    for (const name of ['X_pca', 'pca', 'PCA']) {
      await apply({ kind: 'setEmbedding', name: 'X_umap' })
      await apply({ kind: 'setEmbedding', name })
      expect(store.embedding.value?.key).toBe('X_pca')
    }
    await expect(apply({ kind: 'setEmbedding', name: 'tsne' })).rejects.toThrow(
      'There is no embedding "tsne". The dataset has X_umap, X_pca.',
    )
  })

  test('finds an embedding that was made after the page came, and lists it', async () => {
    const { store, server, apply } = await openPage()
    const tsne = { key: 'X_tsne', label: 't-SNE', columns: 2, dimensions: [2], version: '1' }
    server.identity = { ...IDENTITY, version: '2', embeddings: [...IDENTITY.embeddings, tsne] }
    expect(await apply({ kind: 'setEmbedding', name: 'tsne' })).toEqual({ ok: true })
    expect(store.embedding.value?.key).toBe('X_tsne')
    expect(store.identity.value?.embeddings).toContainEqual(tsne)
  })

  test('reads a column of obs and an embedding anew that were replaced under the same name', async () => {
    const { server, apply } = await openPage()
    const asked = (part: string) => server.asked.filter((path) => path.includes(part)).length
    for (const field of ['louvain', 'louvain', 'CD3D', 'CD3D']) await apply({ kind: 'setColorBy', field })
    expect([asked('obs?key=louvain'), asked('var?key=CD3D')]).toEqual([0, 1])
    server.change('louvain')
    for (const field of ['louvain', 'louvain']) await apply({ kind: 'setColorBy', field })
    expect([asked('obs?key=louvain&version=2'), asked('obs?key=louvain')]).toEqual([1, 1])
    await apply({ kind: 'setEmbedding', name: 'umap' })
    expect(asked('embedding?key=X_umap')).toBe(0)
    server.change('X_umap')
    await apply({ kind: 'setEmbedding', name: 'umap' })
    await apply({ kind: 'setEmbedding', name: 'umap' })
    expect(asked('embedding?key=X_umap')).toBe(1)
  })

  test('highlights, selects and hides the cells that came with it', async () => {
    const { store, apply } = await openPage()
    const { head, cells } = someCells()
    await apply({ kind: 'highlight', cells: head, color: '#ff0000' }, cells)
    await apply({ kind: 'select', cells: head }, cells)
    await apply({ kind: 'setVisibility', cells: head, visible: false }, cells)
    expect(store.highlights.value.get('#ff0000')).toEqual(cells)
    expect(store.selection.value).toEqual({ cells, source: 'command' })
    expect(store.hiddenCells.value).toEqual(cells)
    await apply({ kind: 'clearHighlights' })
    expect(store.highlights.value.size).toBe(0)
  })

  test('never takes positions in another dataset for cells of this one', async () => {
    const { store, apply } = await openPage()
    const { head, cells } = someCells(CELLS + 1)
    await expect(apply({ kind: 'select', cells: head }, cells)).rejects.toThrow('chosen among 7, the viewer shows 6')
    expect(store.selection.value.cells).toHaveLength(0)
  })

  test('puts a session in place of all that is on screen', async () => {
    const { store, apply } = await openPage()
    store.groups.value = new Map([['old', Uint32Array.of(0)]])
    store.highlights.value = new Map([['#00f', Uint32Array.of(0)]])
    store.selection.value = { cells: Uint32Array.of(5), source: 'lasso' }
    await apply({ kind: 'setVisibility', cells: null, visible: false })
    const filter = { by: { axis: 'obs', key: 'n_genes' }, range: [1, 9] }
    const { command, body } = sessionOf(
      {
        color: { axis: 'var', key: 'CD3D', matrix: { in: 'X' } },
        hiddenCategories: { louvain: ['B'] },
        page: { ranges: [filter], pointSize: 4 },
      },
      { 'highlight/#f00': [1, 2], 'group/my cells': [0, 1, 2, 3, 4, 5], 'later/x': [1], selection: [3] },
    )
    expect(await apply(command, null, body)).toEqual({ ok: true })
    expect(store.color.value?.by).toEqual(command.state.color)
    expect(store.filters.value.map(({ kind, by }) => [kind, 'key' in by && by.key])).toEqual([
      ['categories', 'louvain'],
      ['range', 'n_genes'],
    ])
    expect(store.pointSize.value).toBe(4)
    expect([...store.highlights.value]).toEqual([['#f00', Uint32Array.of(1, 2)]])
    expect([...store.groups.value]).toEqual([['my cells', Uint32Array.of(0, 1, 2, 3, 4, 5)]])
    expect(store.selection.value.cells).toEqual(Uint32Array.of(3))
    expect(store.hiddenCells.value).toHaveLength(0)
    const empty = sessionOf({ color: null }, {})
    await apply(empty.command, null, empty.body)
    expect([store.color.value, store.filters.value.length, store.groups.value.size]).toEqual([null, 0, 0])
  })

  test('restores of a session what the dataset still has, and says what it has not', async () => {
    const { store, apply } = await openPage()
    const color = { axis: 'var', key: 'CD3X', matrix: { in: 'X' } } as const
    const { command, body } = sessionOf({ color, embedding: 'X_pca', hiddenCategories: { louvain: ['B'] } }, {})
    await expect(apply(command, null, body)).rejects.toThrow('No gene "CD3X".')
    expect(store.embedding.value?.key).toBe('X_pca')
    expect(store.filters.value).toHaveLength(1)
  })

  test('changes nothing when a session did not arrive whole', async () => {
    const { store, apply } = await openPage()
    store.groups.value = new Map([['old', Uint32Array.of(0)]])
    const { command, body } = sessionOf({}, { selection: [1], 'group/a': [2] })
    await expect(apply(command, null, body.subarray(1))).rejects.toThrow('did not arrive whole')
    expect(store.groups.value.size).toBe(1)
  })

  test('freezes the picture', async () => {
    const { apply, timesFrozen } = await openPage()
    expect(await apply({ kind: 'freeze' })).toEqual({ ok: true })
    expect(timesFrozen()).toBe(1)
  })

  test('is answered by an event where the kernel asked something', async () => {
    const { events, apply } = await openPage()
    await apply({ kind: 'ping', requestId: 'a' })
    await apply({ kind: 'debugSnapshot', requestId: 'b' })
    expect(events).toEqual([
      { kind: 'pong', requestId: 'a' },
      { kind: 'debugSnapshot', requestId: 'b', report: { ok: 1 } },
    ])
  })
})
