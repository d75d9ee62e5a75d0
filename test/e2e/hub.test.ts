import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFaultProxy } from '../stage/fault-proxy.ts'
import { type Hub, startHub } from '../stage/jupyter-hub.ts'
import { launchBrowser, notebookJson } from '../stage/lab-stage.ts'
import { labNotebook, notebookReady, runSource } from '../stage/notebook.ts'
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

test('a proven base whose page the browser may not frame is passed over', async () => {
  const front = await startFaultProxy(hub.port, { headers: forbidFraming })
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
  const page = await context.newPage()
  try {
    await openNotebook(page, 'alice', `http://${HOST}:${front.port}/`)
    await playScenario(labNotebook(page), 'tunnel')
    const tried = await runSource(page, 'print(json.dumps(viewer.connection["candidates"]))')
    expect(JSON.parse(tried)).toContainEqual(
      expect.objectContaining({ kind: 'same-origin-proxy', verdict: 'frameSilent' }),
    )
  } finally {
    await page.screenshot({ path: join(FOLDER, 'framing-forbidden.png') })
    await context.close()
    await front.stop()
  }
}, 240_000)

/** As the Hub's own pages say by default, here on what comes from the user's port. */
function forbidFraming(path: string, type: string): Record<string, string> {
  const isViewer = path.includes('/proxy/') && type.startsWith('text/html')
  return isViewer ? { 'content-security-policy': "frame-ancestors 'none'" } : {}
}

async function openNotebook(page: Page, user: string, url = hub.url): Promise<void> {
  writeFileSync(join(hub.home(user), 'scenario.ipynb'), notebookJson(SCENARIO_CELLS))
  await hub.logIn(page, user, url)
  await page.goto(`${url}user/${user}/lab/tree/scenario.ipynb`)
  await notebookReady(page)
}
