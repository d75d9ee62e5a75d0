import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { ROUTES } from '../../protocol/urls.ts'
import { chooseGene, shows } from '../e2e/gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { type FaultProxy, startFaultProxy } from '../stage/fault-proxy.ts'
import { type Hub, type HubUser, startHub } from '../stage/jupyter-hub.ts'
import { launchBrowser, notebookJson } from '../stage/lab-stage.ts'
import { labNotebook, notebookReady, runCell, runSource, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { type Environment, type OpenEnvironment, playing, SCENARIO_FILE } from './environment.ts'

const FOLDER = resolve(import.meta.dirname, '../../dist/e2e')
/** A name, as users have it: on a loopback address the browser would also reach the server directly. */
const HOST = 'hub.example.test'

/** A JupyterHub, and what is seen on it. */
type HubStage = {
  hub: Hub
  browser: Browser
  /** The first user's notebook. */
  page: Page
  /** Of the address that the browser sees. */
  front: FaultProxy | null
}

type HubRow = {
  users?: readonly HubUser[]
  /** Below what users see, the Hub says that its pages may not be framed. */
  forbidsFraming?: boolean
  after?(stage: HubStage): Promise<void>
}

const WITH_PROXY = { name: 'alice', serverProxy: true } as const
/** Without jupyter-server-proxy, but with our own extension. */
const ALONE = { name: 'alice', serverProxy: false, serverExtension: true } as const

export const HUB_ENVIRONMENTS: readonly Environment[] = [
  hub('hub-proxy', 'JupyterHub, with jupyter-server-proxy', 'same-origin-proxy'),
  hub('hub-tunnel', 'JupyterHub, without jupyter-server-proxy', 'tunnel', {
    users: [{ name: 'bob', serverProxy: false }],
  }),
  hub('hub-two-users', 'JupyterHub, two users on one machine', 'same-origin-proxy', {
    users: [WITH_PROXY, { name: 'carol', serverProxy: true }],
    after: secondUser,
  }),
  hub('hub-extension', 'JupyterHub, two users with cellucid-notebook alone', 'server-extension', {
    users: [ALONE, { name: 'carol', serverProxy: false, serverExtension: true }],
    after: secondUserOfExtension,
  }),
  hub('hub-expired', 'JupyterHub, the login expires while the viewer is open', 'same-origin-proxy', {
    after: expiredLogin,
  }),
  hub('hub-no-frames', 'JupyterHub, whose pages may not be framed', 'tunnel', {
    forbidsFraming: true,
    async after({ page }) {
      expect(await candidatesOf(page)).toContainEqual(
        expect.objectContaining({ kind: 'same-origin-proxy', verdict: 'frameSilent' }),
      )
    },
  }),
]

type HubTransport = 'server-extension' | 'same-origin-proxy' | 'tunnel'

function hub(name: string, title: string, transport: HubTransport, row: HubRow = {}): Environment {
  const play = playing(transport, () => openHub(name, row))
  return { name, title, isReal: true, expectedTransport: transport, play }
}

async function openHub(name: string, row: HubRow): Promise<OpenEnvironment> {
  const { users = [WITH_PROXY], forbidsFraming = false, after } = row
  const folder = join(FOLDER, name)
  mkdirSync(folder, { recursive: true })
  const started = await startHub(users, folder, HOST)
  const front = forbidsFraming ? await startFaultProxy(started.port, { headers: forbidFraming }) : null
  const browser = await launchBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1`])
  const stop = async () => {
    await browser.close()
    await front?.stop()
    await started.stop()
  }
  try {
    const context = await newContext(browser)
    const url = front === null ? started.url : `http://${HOST}:${front.port}/`
    const page = await openNotebook(started, context, users[0]?.name ?? '', url)
    return {
      notebook: labNotebook(page),
      after: async () => after?.({ hub: started, browser, page, front }),
      photograph: async (picture) => {
        await page.screenshot({ path: join(folder, `${picture}.png`) })
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** As the Hub's own pages say by default, here on what comes from the user's port. */
function forbidFraming(path: string, type: string): Record<string, string> {
  const isViewer = path.includes('/proxy/') && type.startsWith('text/html')
  return isViewer ? { 'content-security-policy': "frame-ancestors 'none'" } : {}
}

function newContext(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ viewport: { width: 1200, height: 900 } })
}

async function openNotebook(started: Hub, context: BrowserContext, user: string, url = started.url): Promise<Page> {
  writeFileSync(join(started.home(user), SCENARIO_FILE), notebookJson(SCENARIO_CELLS))
  const page = await context.newPage()
  await started.logIn(page, user, url)
  await page.goto(`${url}user/${user}/lab/tree/${SCENARIO_FILE}`)
  await notebookReady(page)
  return page
}

/** Her own cells by her own proxy, which reaches every port of the machine, and gets nothing from the first user's. */
async function secondUser({ hub: started, browser, page }: HubStage): Promise<void> {
  const second = await openNotebook(started, await newContext(browser), 'carol')
  await runCell(second, 0)
  expect(await viewerReady(second, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'same-origin-proxy' })
  const port = Number(await runSource(page, 'print(viewer.port)'))
  expect(Number(await runSource(second, 'print(viewer.port)'))).not.toBe(port)
  const answer = await second.evaluate(async (url) => {
    const asked = await fetch(url)
    return { status: asked.status, body: await asked.text() }
  }, `${started.url}user/carol/proxy/${port}/${ROUTES.identity}`)
  expect(answer).toEqual({ status: 401, body: expect.stringContaining('no_key') })
  await chooseGene(viewerFrame(second), 'CD3D')
  await second.close()
}

/** By her server she reaches her own viewer, and by neither hers nor the first user's that of the first user. */
async function secondUserOfExtension({ hub: started, browser, page }: HubStage): Promise<void> {
  const second = await openNotebook(started, await newContext(browser), 'carol')
  await runCell(second, 0)
  expect(await viewerReady(second, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'server-extension' })
  const door = await runSource(page, 'print(viewer._server.door)')
  expect(await statusOf(page, `${started.url}user/alice/cellucid/${door}/`)).toBe(200)
  // A single-user server sends whoever is not its user to the Hub, which says no.
  for (const user of ['carol', 'alice']) {
    expect(await statusOf(second, `${started.url}user/${user}/cellucid/${door}/`)).not.toBe(200)
  }
  await chooseGene(viewerFrame(second), 'CD3D')
  await second.close()
}

/** 0: somewhere else. */
function statusOf(page: Page, url: string): Promise<number> {
  return page.evaluate(async (address) => (await fetch(address, { redirect: 'manual' })).status, url)
}

/** What is asked for now meets a login page: the viewer keeps its picture and says so, and goes on after the login. */
async function expiredLogin({ page }: HubStage): Promise<void> {
  const cookies = await page.context().cookies()
  await page.context().clearCookies()
  const viewer = viewerFrame(page)
  await viewer.getByRole('combobox', { name: 'Colour by' }).fill('NKG7')
  await viewer.getByText(/asks for a login.*reload the notebook page/).waitFor({ timeout: 30_000 })
  await shows(viewer, 'color', 'louvain')
  await runSource(page, 'viewer.reset_view()')
  // As after a login in another tab.
  await page.context().addCookies(cookies)
  await viewer.getByRole('combobox', { name: 'Colour by' }).fill('')
  await chooseGene(viewer, 'NKG7')
}

async function candidatesOf(page: Page): Promise<unknown> {
  return JSON.parse(await runSource(page, 'print(json.dumps(viewer.connection["candidates"]))'))
}
