import type { Page, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { FromPage } from '../../../protocol/page-link.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { openPageStage, type PageStage, showInHost } from './page-stage.ts'

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
async function giveUp(path: string, answer: (route: Route) => Promise<void>): Promise<FromPage | undefined> {
  const { url } = await stage.server.openViewer()
  const page = await stage.context.newPage()
  await page.route((asked) => asked.pathname === `/${path}`, answer)
  await showInHost(page, stage.server.base, url)
  return await lastWord(page)
}

async function lastWord(page: Page): Promise<FromPage | undefined> {
  const isWord = await page.waitForFunction(() =>
    window.heard.find(({ kind }) => kind === 'lost' || kind === 'failed' || kind === 'drawn'),
  )
  return await isWord.jsonValue()
}

const json = (status: number, code: string) => (route: Route) =>
  route.fulfill({ status, contentType: 'application/json', body: JSON.stringify({ code, message: 'A sentence.' }) })
const html = (status: number) => (route: Route) =>
  route.fulfill({ status, contentType: 'text/html', body: '<p>no</p>' })

test.each([
  ['access has ended', json(401, 'bad_token')],
  ['a proxy asks for a login', html(403)],
  ['a proxy answers in the server’s place', html(502)],
  ['nobody answers', (route: Route) => route.abort()],
])('before the first picture, where %s, the page asks for another base', async (_name, answer) => {
  expect(await giveUp(ROUTES.key, answer)).toMatchObject({ kind: 'lost' })
})

test('a server that says no has failed and is not passed over', async () => {
  expect(await giveUp(ROUTES.identity, json(404, 'not_found'))).toEqual({ kind: 'failed', message: 'A sentence.' })
})
