import { expect, test } from 'vitest'
import { changeSentence } from '../../../page/columns/parts.ts'
import { Store } from '../../../page/state/store.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import { MemoryServer } from '../memory-server.ts'

const GENE = { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } as const
const LOUVAIN = { axis: 'obs', key: 'louvain' } as const
const N_GENES = { axis: 'obs', key: 'n_genes' } as const

async function openViewer() {
  const [server, store] = [new MemoryServer(), new Store()]
  const viewer = new Viewer(store, server.client, new AbortController().signal)
  await viewer.start(Promise.resolve(null))
  const changed = (part: string) => {
    server.change(part)
    return viewer.dataChanged(server.identity.version, false)
  }
  const outdated = () => store.outdated.value.map(({ key }) => key)
  const highest = () => (store.color.value?.column.kind === 'sparse' ? store.color.value.column.max : null)
  return { store, viewer, server, changed, outdated, highest }
}

test('what changed while it is on screen stays as it was, with a note, until it is read again', async () => {
  const { viewer, changed, outdated, highest } = await openViewer()
  await viewer.setColor(GENE)
  await changed('X')
  expect([outdated(), highest()]).toEqual([['X'], 2.5])
  await viewer.setColor(N_GENES)
  expect(outdated()).toEqual([])
  await viewer.setColor(GENE)
  expect([outdated(), highest()]).toEqual([[], 5])
  await changed('X')
  expect([outdated(), highest()]).toEqual([['X'], 5])
  await viewer.refresh()
  expect([outdated(), highest()]).toEqual([[], 7.5])
})

test('beside what is shown as it was nothing of the same part is shown as it is now', async () => {
  const { store, viewer, server, changed, outdated } = await openViewer()
  await viewer.setColor(GENE)
  await changed('X')
  const asked = viewer.column({ axis: 'var', key: 'MS4A1', matrix: { in: 'X' } }, new AbortController().signal)
  await expect(asked).rejects.toThrow('It changed.')
  expect(server.asked.filter((path) => path.includes('MS4A1'))).toEqual([
    '_cellucid/columns/var?key=MS4A1&in=X&version=1',
  ])
  await expect(viewer.setColor({ axis: 'var', key: 'MS4A1', matrix: { in: 'X' } })).rejects.toThrow('It changed.')
  expect([outdated(), store.notices.value]).toEqual([['X'], []])
})

test('what changed and is not on screen is read as it is now, without a note', async () => {
  const { store, viewer, server, changed, outdated } = await openViewer()
  await changed('n_genes')
  await viewer.setColor(N_GENES)
  expect([store.color.value?.column.version, outdated()]).toEqual(['2', []])
  // A page that has not heard of it yet, too.
  server.change('X')
  await viewer.setColor(GENE)
  expect([store.color.value?.column.version, outdated()]).toEqual(['2', []])
})

test('an embedding and a column that changed are named once each', async () => {
  const { viewer, changed, outdated, store } = await openViewer()
  await viewer.setColor(LOUVAIN)
  await changed('louvain')
  await changed('X_umap')
  expect(outdated().sort()).toEqual(['X_umap', 'louvain'])
  expect(changeSentence(store.outdated.value)).toBe(
    'X_umap, louvain changed since they were read: the picture shows them as before.',
  )
  await viewer.refresh()
  expect(outdated()).toEqual([])
})

test('a viewer that was shown again elsewhere is read anew without a click', async () => {
  const { viewer, server, outdated, highest } = await openViewer()
  await viewer.setColor(GENE)
  for (const part of ['X', 'X_umap', 'louvain']) server.change(part)
  await viewer.dataChanged(server.identity.version, true)
  expect([outdated(), highest()]).toEqual([[], 5])
  const { length } = server.asked
  await viewer.dataChanged(server.identity.version, true)
  expect(server.asked).toHaveLength(length)
})

test('two wishes to read anew at once read what is on screen once; a change between them is read, too', async () => {
  const { viewer, server, highest } = await openViewer()
  await viewer.setColor(GENE)
  const reads = () => server.asked.filter((path) => path.includes('CD3D')).length
  server.change('X')
  const before = reads()
  const told = viewer.dataChanged(server.identity.version, true)
  await Promise.resolve() // it has begun
  await Promise.all([told, viewer.refresh()])
  expect([reads() - before, highest()]).toEqual([1, 5])
  const first = viewer.refresh()
  const second = viewer.refresh()
  const letLook = server.hold('identity')
  await first
  server.change('X')
  letLook()
  await second
  expect([reads() - before, highest()]).toEqual([3, 7.5])
})

test('a command that meets changed data reads all anew, and then shows what it names', async () => {
  const { viewer, server, outdated, highest } = await openViewer()
  await viewer.setColor(GENE)
  server.change('X')
  await viewer.catchUp()
  expect([outdated(), highest()]).toEqual([[], 5])
})

test('an array that is of another version than the identity says is told at the first picture, too', async () => {
  const [server, store] = [new MemoryServer(), new Store()]
  const letGo = server.hold('columns/obs')
  const viewer = new Viewer(store, server.client, new AbortController().signal)
  const started = viewer.start(Promise.resolve(null))
  await expect.poll(() => store.identity.value).not.toBeNull()
  server.change('louvain')
  letGo()
  await started
  await expect.poll(() => store.outdated.value).toEqual([{ axis: 'obs', key: 'louvain' }])
  await viewer.refresh()
  expect(store.outdated.value).toEqual([])
})
