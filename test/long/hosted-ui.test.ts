import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FrameLocator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { type HostedSite, hostedSite, type SiteMode } from '../stage/hosted-site.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, viewerReady, viewerRoot } from '../stage/notebook.ts'

/** The hosted viewer in a real JupyterLab: a stand-in for its site and its page, everything else as users have it. */
let stage: LabStage

beforeAll(async () => {
  stage = await startLabStage('hosted-ui')
}, 90_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

const PICTURE_MS = 30_000

type Shown = { page: Page; shell: FrameLocator; hosted: FrameLocator; place: string }

/** Run `show_anndata(…, ui="hosted")` in a new notebook. @param place the cache of an earlier run */
async function show(
  upstream: HostedSite,
  { place = makePlace(), environment = {} as Record<string, string>, more = '' } = {},
): Promise<Shown> {
  const variables = { CELLUCID_WEB_PROXY_CACHE_DIR: place, ...environment }
  const page = await stage.open([
    `import os, json
os.environ.update(json.loads('${JSON.stringify(variables)}'))
import warnings; warnings.filterwarnings("ignore")
import scanpy
from cellucid_notebook import show_anndata
adata = scanpy.datasets.pbmc68k_reduced()
viewer = show_anndata(adata, ui="hosted", web_source_url="${upstream.url}"${more})
events = []
viewer.on_message(lambda event: events.append(event))`,
  ])
  await runCell(page, 0)
  const shell = viewerRoot(page).locator('iframe').last().contentFrame()
  return { page, shell, hosted: shell.locator('iframe').contentFrame(), place }
}

function makePlace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-hosted-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'hosted')
}

async function drawn({ page, hosted }: Shown, build: string): Promise<void> {
  await hosted
    .locator(`html[data-drawn="true"][data-build="${build}"][data-cells="700"]`)
    .waitFor({ state: 'attached', timeout: PICTURE_MS })
  expect((await viewerReady(page, PICTURE_MS)).cells).toBe(700)
}

async function report(page: Page): Promise<Record<string, unknown>> {
  return JSON.parse(await runSource(page, 'print(json.dumps(viewer.debug_connection()["hosted_ui"]))'))
}

test('the hosted page draws the dataset, obeys Python, and tells it what the user does', async () => {
  const upstream = await hostedSite('one')
  const shown = await show(upstream)
  const { page, hosted } = shown
  await drawn(shown, 'one')
  await runSource(page, 'viewer.wait_for_ready(10)')
  await stage.photograph(page, 'hosted-drawn')

  await runSource(
    page,
    'viewer.set_color_by("CD3D"); viewer.highlight_cells([1, 2, 3], "#ff0000"); viewer.reset_view()',
  )
  await hosted
    .locator('html[data-color="CD3D"][data-highlighted="3"][data-reset="true"]')
    .waitFor({ state: 'attached' })
  await hosted.locator('#cells').click({ position: { x: 100, y: 50 } })
  const selected =
    'import time\nwhile not len(viewer.state.selection): time.sleep(0.05)\nprint([int(i) for i in viewer.state.selection])'
  expect(JSON.parse(await runSource(page, selected))).toEqual(Array.from({ length: 10 }, (_, i) => 100 + i))
  expect(await runSource(page, 'print(viewer.selected(adata).n_obs)')).toContain('10')

  const file = join(shown.place, '..', 'kept.cellucid-session')
  await runSource(page, `viewer.save_hosted_session(${JSON.stringify(file)})`)
  expect(readFileSync(file, 'utf8')).toBe('CELLUCID_SESSION\nstand-in')
  await expect(runSource(page, 'viewer.set_embedding("X_pca"); viewer.screenshot(timeout=5)')).rejects.toThrow(
    /knows no such command/,
  )
  const debug = await runSource(page, 'print(viewer.debug_connection())')
  expect(debug).toMatch(/^Connected (directly|through jupyter-server-proxy); WebSocket; \d+ ms\./)
  expect(await report(page)).toMatchObject({
    status: 'ready',
    source: upstream.url,
    build: 'one',
    files: 6,
    offline: false,
  })
  expect(stage.errors.filter((line) => /hosted|Content Security|Refused/.test(line))).toEqual([])
}, 180_000)

test('viewer_url in a tab of its own shows the hosted page too, and commands reach it', async () => {
  const shown = await show(await hostedSite('one'))
  await drawn(shown, 'one')
  const tab = await stage.context.newPage()
  const file = join(shown.place, '..', 'url')
  await runSource(shown.page, `print(viewer.viewer_url, file=open(${JSON.stringify(file)}, "w"), end="")`)
  await tab.goto(readFileSync(file, 'utf8'))
  const hosted = tab.locator('iframe').contentFrame()
  await hosted.locator('html[data-drawn="true"]').waitFor({ state: 'attached', timeout: PICTURE_MS })
  expect(tab.url()).not.toContain('viewerToken')
  await runSource(shown.page, 'viewer.set_color_by("louvain")')
  await hosted.locator('html[data-color="louvain"]').waitFor({ state: 'attached' })
}, 120_000)

test('below the notebook’s own address, by its proxy, the hosted page is the same', async () => {
  const port = await freePort()
  const base = new URL(`proxy/${port}/`, stage.lab.url).href
  const shown = await show(await hostedSite('one'), { more: `, port=${port}, client_server_url="${base}"` })
  await drawn(shown, 'one')
  const addresses = shown.page.frames().map((frame) => frame.url())
  expect(addresses.filter((address) => address.startsWith(`${base}_cellucid/u/`))).toHaveLength(1)
  await runSource(shown.page, 'viewer.wait_for_ready(10); viewer.set_color_by("CD3D")')
  await shown.hosted.locator('html[data-color="CD3D"]').waitFor({ state: 'attached' })
  expect(stage.errors.filter((line) => /hosted|Content Security|Refused/.test(line))).toEqual([])
}, 120_000)

/** Why a cold start ends without a picture, `null`: it ends with one. A warm one always does, whatever the site does. */
const MODES: [SiteMode, RegExp | null][] = [
  ['gone', /broke the connection/],
  ['silent', /did not answer in time/],
  ['slow', null],
  ['reset', /broke the connection/],
  ['short', /broke the connection|ended after/],
  ['huge', /more than the 25 MB/],
  ['html for a script', /another page answered in its place/],
  ['redirect', /leads elsewhere/],
  ['stall at the end', /did not answer in time/],
]
for (const [mode, reason] of MODES) {
  test(`with nothing on disk and a site that is "${mode}", the cell shows ${reason === null ? 'the picture' : 'why there is none, and how to get one'}`, async () => {
    const upstream = await hostedSite('one', mode)
    const shown = await show(upstream)
    const { page, shell, place } = shown
    if (reason === null) {
      await shell.getByRole('progressbar', { name: 'Files fetched' }).waitFor({ timeout: PICTURE_MS })
      await shell.getByText(/^\d of 6 files, 0\.0 MB$/).waitFor()
      await page.getByText(/^Fetching the viewer from \S+ \[[# ]+\] \d\/6 files/).waitFor()
      await stage.photograph(page, `fetching-${mode}`)
      return await drawn(shown, 'one')
    }
    await shell.getByRole('heading', { name: 'Viewer UI unavailable' }).waitFor({ timeout: PICTURE_MS })
    const said = (await shell.locator('main').textContent()) ?? ''
    expect(said).toMatch(reason)
    expect(said).toContain(`${place}, holds no complete copy of ${upstream.url}`)
    expect(await report(page)).toMatchObject({ status: 'unavailable', build: null, files: 0, cache: place })
    await stage.photograph(page, `unavailable-${mode.replaceAll(' ', '-')}`)
    await shell.getByRole('button', { name: 'Use the embedded viewer' }).click()
    expect((await viewerReady(page, PICTURE_MS)).cells).toBe(700)
    await viewerRoot(page)
      .locator('iframe.drawn')
      .contentFrame()
      .locator('html[data-cells="700"]')
      .waitFor({ state: 'attached' })
    expect(String((await report(page)).status)).toMatch(/went over to the embedded page/)
  }, 120_000)

  test(`with a build on disk and a site that is "${mode}", the cell shows the picture and asks nobody`, async () => {
    const upstream = await hostedSite('one')
    const first = await show(upstream)
    await drawn(first, 'one')
    upstream.mode = mode
    upstream.requests.length = 0
    await drawn(await show(upstream, { place: first.place }), 'one')
    expect(upstream.requests).toEqual([])
  }, 120_000)
}

test('a new build in the middle of a download is the one that is shown, whole', async () => {
  const shown = await show(await hostedSite('one', 'new build meanwhile'))
  await drawn(shown, 'one-next')
}, 120_000)

test('with CELLUCID_OFFLINE and nothing on disk the cell says so, and going online and trying again brings the picture', async () => {
  const shown = await show(await hostedSite('one', 'gone'))
  const heading = shown.shell.getByRole('heading', { name: 'Viewer UI unavailable' })
  await heading.waitFor({ timeout: PICTURE_MS })
  const offline = await show(await hostedSite('one'), { environment: { CELLUCID_OFFLINE: '1' } })
  await offline.shell.getByText(/CELLUCID_OFFLINE forbids the network/).waitFor({ timeout: PICTURE_MS })
}, 120_000)

test('once the site is back, trying again shows the picture', async () => {
  const upstream = await hostedSite('one', 'gone')
  const shown = await show(upstream)
  await shown.shell.getByRole('heading', { name: 'Viewer UI unavailable' }).waitFor({ timeout: PICTURE_MS })
  upstream.mode = 'healthy'
  await shown.shell.getByRole('button', { name: 'Try again' }).click()
  await drawn(shown, 'one')
}, 120_000)

test('a byte that was swapped in the cache is found before it is shown, and the build is fetched again', async () => {
  const upstream = await hostedSite('one')
  const first = await show(upstream)
  await drawn(first, 'one')
  const generation = readdirSync(first.place).find((name) => name.startsWith('gen-')) ?? ''
  const folder = join(first.place, generation)
  for (const name of readdirSync(folder).filter((each) => each !== 'manifest.json')) {
    const bytes = readFileSync(join(folder, name))
    bytes[0] = (bytes[0] ?? 0) ^ 1
    writeFileSync(join(folder, name), bytes)
  }
  upstream.requests.length = 0
  await drawn(await show(upstream, { place: first.place }), 'one')
  expect(upstream.requests.map(({ path }) => path)).toContain('/assets/app-one.js')
}, 120_000)
