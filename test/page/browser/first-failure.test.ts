import type { Page, WebSocketRoute } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { encodeFrame } from '../../../protocol/frame.ts'
import type { FromPage } from '../../../protocol/page-link.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { answerAsks, openPageStage, type PageStage, showInHost } from './page-stage.ts'

let stage: PageStage
beforeAll(async () => {
  stage = await openPageStage()
})
afterEach(async () => {
  for (const page of stage.context.pages()) await page.close()
  stage.errors.splice(0) // The browser itself logs each answer that is no success.
})
afterAll(() => stage.stop())

/** A page in a frame. @returns the word with which it gives up, and its sentence */
async function giveUp(prepare: (page: Page) => Promise<void>): Promise<FromPage | undefined> {
  const { url } = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await prepare(page)
  await showInHost(page, url)
  return await lastWord(page)
}

async function lastWord(page: Page): Promise<FromPage | undefined> {
  const isWord = await page.waitForFunction(() =>
    window.heard.find(({ kind }) => kind === 'lost' || kind === 'failed' || kind === 'drawn'),
  )
  return await isWord.jsonValue()
}

/** In the place of the server's socket. */
const instead = (serve: (socket: WebSocketRoute) => void) => (page: Page) => page.routeWebSocket(/_cellucid/, serve)
const FALSE_CHALLENGE = {
  kind: 'challenge',
  protocol: 1,
  instanceId: 'ab'.repeat(8),
  nonce: 'n'.repeat(22),
  proof: 'p'.repeat(43),
}
const say = (message: object) => instead((socket) => socket.send(Buffer.from(encodeFrame(message))))

test.each([
  ['access has ended', say({ kind: 'ended', reason: 'x' })],
  ['somebody answers who knows no secret', say(FALSE_CHALLENGE)],
  ['somebody answers with another message', say({ kind: 'welcome' })],
  ['a proxy lets no WebSocket through', instead((socket) => void socket.close())],
])('before the first picture, where %s, the page asks for another base', async (_name, prepare) => {
  expect(await giveUp(prepare)).toMatchObject({ kind: 'lost' })
})

test('a server that says no has failed and is not passed over', async () => {
  const no = { status: 404, body: { code: 'not_found', message: 'A sentence.' } }
  const prepare = (page: Page) => answerAsks(page, async (path) => (path === ROUTES.identity ? no : null))
  expect(await giveUp(prepare)).toEqual({ kind: 'failed', message: 'A sentence.' })
})
