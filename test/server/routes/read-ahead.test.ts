import { expect, onTestFinished, test } from 'vitest'
import { KEY_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { smallDataset } from '../../stage/small-dataset.ts'
import { kernelSource, startServer, tradeToken } from '../../stage/start-server.ts'

async function readingServer() {
  const answer = smallDataset()
  const heard = Promise.withResolvers<void>()
  const reads: string[] = []
  const server = await startServer({
    read: (read) => {
      reads.push(read.what)
      if (reads.includes('obsm') && reads.includes('obs')) heard.resolve()
      return answer(read)
    },
  })
  onTestFinished(async () => void (await server.stop()))
  return { server, reads, heard: heard.promise }
}

test('what a new page shows first is read before any page asks, and not again for it', async () => {
  const { server, reads, heard } = await readingServer()
  const { options } = kernelSource()
  const viewer = await server.openViewer({ options: { ...options, color: 'cluster' } })
  await heard
  const before = [...reads]
  const headers = { [KEY_HEADER]: await tradeToken(server.base, viewer) }
  for (const route of [ROUTES.embedding, ROUTES.obsColumn]) {
    const answer = await fetch(`${server.base}${route}`, { headers })
    expect(answer.status).toBe(200)
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(700)
  }
  const data = (all: readonly string[]) => all.filter((what) => what === 'obsm' || what === 'obs')
  expect(data(reads)).toEqual(data(before))
})

test('a viewer that had pages before is not read ahead: they may show something else', async () => {
  const { server, reads } = await readingServer()
  const viewer = await server.openViewer({ state: { embedding: 'X_umap' } })
  const headers = { [KEY_HEADER]: await tradeToken(server.base, viewer) }
  await fetch(`${server.base}${ROUTES.identity}`, { headers })
  expect(reads).not.toContain('obsm')
})
