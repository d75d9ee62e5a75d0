import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
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
  const users = [
    { name: 'alice', serverProxy: true },
    { name: 'bob', serverProxy: false },
  ]
  hub = await startHub(users, FOLDER, HOST)
  browser = await launchBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1`])
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await hub?.stop()
}, 60_000)

test.each([
  { user: 'alice', has: 'with jupyter-server-proxy', transport: 'same-origin-proxy' },
  { user: 'bob', has: 'without jupyter-server-proxy', transport: 'tunnel' },
])(
  'on a JupyterHub $has the whole scenario works',
  async ({ user, transport }) => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    const page = await context.newPage()
    try {
      await openNotebook(page, user)
      await playScenario(labNotebook(page), transport)
    } finally {
      await page.screenshot({ path: join(FOLDER, `${user}.png`) })
      await context.close()
    }
  },
  240_000,
)

async function openNotebook(page: Page, user: string): Promise<void> {
  writeFileSync(join(hub.home(user), 'scenario.ipynb'), notebookJson(SCENARIO_CELLS))
  await hub.logIn(page, user)
  await page.goto(`${hub.url}user/${user}/lab/tree/scenario.ipynb`)
  await notebookReady(page)
}
