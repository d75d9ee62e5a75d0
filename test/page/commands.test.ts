import { describe, expect, test } from 'vitest'
import { applyCommand } from '../../page/commands.ts'
import { Store } from '../../page/store.ts'
import { Viewer } from '../../page/viewer.ts'
import { decodeCells, encodeCells } from '../../protocol/cells.ts'
import type { Command } from '../../protocol/commands.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import { CELLS, MemoryServer } from './memory-server.ts'

async function openPage() {
  const store = new Store()
  const viewer = new Viewer(store, new MemoryServer().client, new AbortController().signal)
  const identity = viewer.start(Promise.resolve(null))
  await identity
  const events: ViewerEvent[] = []
  const screenshot = async () => undefined
  const event = (told: ViewerEvent) => events.push(told)
  const context = { viewer, identity, event, screenshot, report: () => ({ ok: 1 }) }
  const apply = (command: Command, cells: Uint32Array | null = null) => applyCommand(context, command, cells)
  return { store, events, apply }
}

const someCells = (cellCount = CELLS) => {
  const { head, body } = encodeCells(Uint32Array.of(1, 3), cellCount)
  return { head, cells: decodeCells(head, body) }
}

describe('a command', () => {
  test('colours by an obs field where there is one of that name, else by a gene', async () => {
    const { store, apply } = await openPage()
    expect(await apply({ kind: 'setColorBy', field: 'n_genes' })).toEqual({ ok: true })
    expect(store.color.value?.by).toEqual({ axis: 'obs', key: 'n_genes' })
    await apply({ kind: 'setColorBy', field: 'CD3D' })
    expect(store.color.value?.by).toEqual({ axis: 'var', key: 'CD3D', layer: null })
    await apply({ kind: 'setColorBy', field: null })
    expect(store.color.value).toBeNull()
  })

  test('believes what the server made of the name', async () => {
    const { store, apply } = await openPage()
    const color = { axis: 'var', key: 'CD3D', layer: 'raw' } as const
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
