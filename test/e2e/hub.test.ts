import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { type Hub, startHub } from '../stage/jupyter-hub.ts'
import { launchBrowser, notebookJson } from '../stage/lab-stage.ts'
import { labNotebook, notebookReady } from '../stage/notebook.ts'
import { playScenario, SCENARIO_CELLS } from './scenario.ts'

const FOLDER = resolve(import.meta.dirname, '../../dist/e2e/hub')
/** A name, as users have it: on a loopback address the browser would also reach the server directly. */
const HOST = 'hub.example.test'

let hub: Hub
let browser: Browser

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true })
  hub = await startHub([{ name: 'alice', serverProxy: true }], FOLDER, HOST)
  browser = await launchBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1`])
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await hub?.stop()
}, 60_000)

test('on a JupyterHub the whole scenario works', async () => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
  const page = await context.newPage()
  try {
    writeFileSync(join(hub.home('alice'), 'scenario.ipynb'), notebookJson(SCENARIO_CELLS))
    await hub.logIn(page, 'alice')
    await page.goto(`${hub.url}user/alice/lab/tree/scenario.ipynb`)
    await notebookReady(page)
    await playScenario(labNotebook(page), 'same-origin-proxy')
  } finally {
    await page.screenshot({ path: join(FOLDER, 'scenario.png') })
  }
}, 240_000)
