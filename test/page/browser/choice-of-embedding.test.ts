import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KernelDescription } from '../../../protocol/pipe.ts'
import { smallDataset } from '../../stage/small-dataset.ts'
import { openPageStage, type PageStage, showInHost } from './page-stage.ts'

let stage: PageStage
beforeAll(async () => {
  const honest = smallDataset()
  stage = await openPageStage({
    read: (question) => {
      const answer = honest(question)
      if (question.what !== 'describe') return answer
      const described = answer.result as KernelDescription // as the small dataset gives it
      return { ...answer, result: { ...described, obsm: [{ key: 'X_scVI', columns: 30, version: '1' }] } }
    },
  })
})
afterAll(() => stage.stop())

test('a latent space alone is listed with a sentence, and once it is chosen the viewer is ready', async () => {
  const { url } = await stage.server.openViewer()
  const host = await stage.context.newPage()
  await host.setViewportSize({ width: 420, height: 500 }) // narrow: the panel is folded but for this
  await showInHost(host, url)
  const heard = (kind: string) =>
    host.waitForFunction((wanted) => window.heard.some((word) => word.kind === wanted), kind)
  await heard('failed')
  const frame = host.frames()[1]
  if (frame === undefined) throw new Error('The page has no frame.')
  await frame.getByText('None of the embeddings is a picture by itself').waitFor()
  expect(await frame.locator('[role=alert]').count()).toBe(0)
  const ready = stage.server.kernel.hear('viewer.event', ({ event }) => event.kind === 'ready')
  await frame.getByLabel('Embedding', { exact: true }).selectOption('scVI (2D)')
  await ready
  await heard('drawn')
  expect(await frame.getByText('None of the embeddings').count()).toBe(0)
})
