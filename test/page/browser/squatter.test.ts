import type { ChildProcess } from 'node:child_process'
import type { Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { startSquatter as startStranger } from '../../stage/start-squatter.ts'
import { openPageStage, type PageStage, says, showInHost } from './page-stage.ts'

let stage: PageStage
let squatter: ChildProcess | null = null
afterEach(async () => {
  squatter?.kill('SIGKILL')
  squatter = null
  await stage.stop()
})

async function startSquatter(port: number) {
  const started = await startStranger(port)
  squatter = started.child
  return started
}

/** What a user does, whether or not anybody listens. */
async function goOn(page: Page): Promise<void> {
  const frame = page.frames().at(-1) ?? page.mainFrame()
  const box = frame.getByRole('combobox', { name: 'Colour by' })
  for (const word of ['CD3D', 'score']) {
    await box.fill(word)
    await box.press('Enter')
  }
  await frame.locator('canvas.cells').click({ position: { x: 200, y: 200 } })
}

/** Names of fields, genes and embeddings of the small dataset, and of what is only ever ours. */
const OURS = /cluster|score|CD3D|marker|viewerToken|X-Cellucid-Key|"kind":"(?:state|event|cellSet|ack|hello)"|PNG/

test('after the server’s death a tab tells whoever sits on its port a nonce and a public name, and once', async () => {
  stage = await openPageStage()
  const { url, viewerId, viewerToken } = await stage.server.openViewer()
  const page = await stage.open(url)
  const { heardAll, bound } = await startSquatter(stage.server.port)
  stage.server.process.kill('SIGKILL')
  await goOn(page)
  await bound
  await page.getByRole('alert').filter({ hasText: 'Something else answers' }).first().waitFor()
  await goOn(page)
  // Reloaded, what it shows is not ours; the secret in the tab's history stays where it is.
  await page.reload().catch(() => undefined)
  const heard = await heardAll()
  const [kinds, ofReload] = [heard.map(({ kind }) => kind).slice(0, 2), heard.slice(2)]
  expect(kinds).toEqual(['bound', 'upgrade'])
  expect(ofReload.filter(({ kind }) => kind !== 'request')).toEqual([])
  const text = heard.map((word) => ('text' in word ? word.text : '')).join('\n')
  expect(text).toMatch(new RegExp(`/_cellucid/channel\\?viewerId=${viewerId}&by=[\\w-]{43}&nonce=[\\w-]{22}\n`))
  expect(text).not.toMatch(OURS)
  expect(text).not.toContain(viewerToken)
})

test('a frame asks the widget before it asks a port again, and without a word of it asks nobody', async () => {
  stage = await openPageStage()
  const { url } = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await showInHost(page, url)
  await page.locator('iframe').evaluate((frame) => frame.setAttribute('style', 'width: 850px; height: 500px'))
  await page.waitForFunction(() => window.heard.some(({ kind }) => kind === 'drawn'))
  const { heardAll, bound } = await startSquatter(stage.server.port)
  stage.server.process.kill('SIGKILL')
  await goOn(page)
  await bound
  await page.waitForFunction(() => window.heard.some(({ kind }) => kind === 'away'))
  await goOn(page)
  expect(await heardAll()).toEqual([{ kind: 'bound' }])
})

test('beside a living server nobody else has its port, not in IPv6 either', async () => {
  stage = await openPageStage()
  const { url } = await stage.server.openViewer()
  const { heardAll } = await startSquatter(stage.server.port)
  const page = await stage.open(url.replace('127.0.0.1', '[::1]'))
  await says(page, 'ready', 'true')
  expect(await heardAll()).toEqual([])
})
