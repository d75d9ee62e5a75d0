import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import type { CandidateReport } from '../../protocol/comm.ts'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { FIRST_PICTURE_MS, playScenario, scenarioCells } from '../e2e/scenario.ts'
import { type FaultProxy, startFaultProxy } from '../stage/fault-proxy.ts'
import { type LabOptions, type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook, runCell, runSource, viewerReady, viewerRoot } from '../stage/notebook.ts'

/** Bases that answer only after somebody was asked: a login's cookie, or the browser's user. */
let stage: LabStage | null = null
afterEach(async ({ task }) => {
  await stage?.closePages(task.name)
  await stage?.stop()
  stage = null
}, 60_000)

test('a proxy behind a login on another host is asked by its own page, which holds no token until it has proven itself', async () => {
  const { page, wall } = await openBehindLogin('logged-in')
  await page.context().addCookies([LOGIN_COOKIE])
  await playScenario(labNotebook(page), 'cross-origin-proxy')
  expect(await reportOf(page, 'cross-origin-proxy')).toMatchObject({
    verdict: 'proven',
    reason: 'the page asked, past a login',
  })
  const asked = wall.requests.join('\n')
  expect(asked).toContain('GET /_cellucid/health')
  expect(asked).toContain('UPGRADE /_cellucid/channel')
  expect(asked).not.toContain(await tokenOf(page))
}, 240_000)

test('without the login the viewer comes through the notebook, and the login page never stays on screen', async () => {
  const { page } = await openBehindLogin('logged-out')
  await runCell(page, 0)
  expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'tunnel' })
  expect((await reportOf(page, 'cross-origin-proxy'))?.verdict).toBe('network')
  const frames = viewerRoot(page).locator('iframe')
  expect(await frames.count()).toBe(1)
  expect(await frames.first().getAttribute('srcdoc')).not.toBeNull()
}, 180_000)

test('where the browser would ask its user, nothing is asked before the button, which then moves to the faster way', async () => {
  const port = await freePort()
  const page = await open('permission', { hostName: HOST, https: true, serverProxy: false, publicPage: 'unanswered' }, [
    `port=${port}`,
  ])
  const asked: string[] = []
  page.context().on('request', (request) => asked.push(request.url()))
  await runCell(page, 0)
  expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'tunnel' })
  const direct = () => asked.filter((url) => url.startsWith(`http://127.0.0.1:${port}/`))
  expect(direct()).toEqual([])

  await grantLoopback(page)
  await viewerRoot(page)
    .getByRole('button', { name: /Connect directly/ })
    .click()
  await viewerRoot(page).and(page.locator('[data-cellucid-transport="direct"]')).waitFor({ timeout: 30_000 })
  expect(await viewerRoot(page).getAttribute('data-cellucid-status')).toBe('ready')
  expect(direct()).not.toEqual([])
}, 180_000)

const HOST = 'lab.example.test'

/** The wall lies on the notebook's site, so that the browser sends the login's cookie to its frames. */
const LOGIN_COOKIE = { name: 'login', value: 'yes', domain: '.example.test', path: '/' }

const LOGIN_PAGE = '<!doctype html><title>Log in</title><h1>Log in</h1>'

/** As code-server and Coder do it: ports have host names of their own, and only a logged-in browser comes through. */
async function openBehindLogin(name: string): Promise<{ page: Page; wall: FaultProxy }> {
  const port = await freePort()
  const wall = await startFaultProxy(port, {
    instead({ url, headers }) {
      if (headers.cookie?.includes('login=yes') === true) return null
      if (url?.startsWith('/login') === true) {
        return { status: 200, headers: { 'content-type': 'text/html' }, body: LOGIN_PAGE }
      }
      return { status: 302, headers: { location: '/login' } }
    },
  })
  onTestFinished(() => wall.stop())
  const environment = { VSCODE_PROXY_URI: `http://port-{{port}}.example.test:${wall.port}/` }
  const page = await open(name, { hostName: HOST, serverProxy: false, environment }, [`port=${port}`])
  return { page, wall }
}

async function open(name: string, options: LabOptions, parameters: string[]): Promise<Page> {
  stage = await startLabStage(name, options)
  return await stage.open(scenarioCells(...parameters))
}

async function reportOf(page: Page, kind: string): Promise<CandidateReport | undefined> {
  const source = 'print(json.dumps(viewer.connection["candidates"]))'
  const candidates: CandidateReport[] = JSON.parse(await runSource(page, source))
  return candidates.find((candidate) => candidate.kind === kind)
}

async function tokenOf(page: Page): Promise<string> {
  return (await runSource(page, 'print(viewer._link.token)')).trim()
}

/** The user's yes; a browser without a screen cannot show the question itself. */
async function grantLoopback(page: Page): Promise<void> {
  const context: BrowserContext = page.context()
  await context.grantPermissions(['local-network-access'], { origin: new URL(page.url()).origin })
}
