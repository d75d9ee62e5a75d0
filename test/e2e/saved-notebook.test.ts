import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openNotebook } from '../../scripts/jupyter-lab.mjs'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { cellOutputs, notebookReady, runCell, runSource, saveNotebook, viewerReady } from '../stage/notebook.ts'
import { HTML_MANAGER, REQUIRE_JS, unpackedPackage } from '../stage/packed-package.ts'
import { countColors, parseHex } from '../stage/picture.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from './scenario.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** JupyterLab keeps the state of widgets in the file only where its settings say so. */
const KEEP_WIDGET_STATE = { '@jupyter-widgets/jupyterlab-manager:plugin': { saveState: true } }
const FILES = { plain: 'plain.ipynb', withState: 'with-state.ipynb' }

let stage: LabStage
let clusterColors: (readonly [number, number, number])[]
let port: number
let token: string

beforeAll(async () => {
  stage = await startLabStage('saved-notebook', { serverProxy: false, settings: KEEP_WIDGET_STATE })
  const page = await stage.open(SCENARIO_CELLS, FILES.withState)
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
  clusterColors = (JSON.parse(await runCell(page, 1)) as string[]).map(parseHex)
  port = Number(await runSource(page, 'print(viewer.port)'))
  await runSource(page, 'open("token.txt", "w").write(viewer._link.token); None')
  token = readFileSync(join(stage.lab.folder, 'token.txt'), 'utf8')
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  await vi.waitUntil(() => hasPicture(page), { timeout: 30_000, interval: 250 })
  await saveNotebook(page)
  await page.close()
  const notebook = JSON.parse(readFileSync(join(stage.lab.folder, FILES.withState), 'utf8'))
  expect(notebook.metadata.widgets).toBeDefined()
  delete notebook.metadata.widgets
  await writeNotebook(FILES.plain, notebook)
  await stage.lab.shutDownKernels()
}, 240_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

test.each([
  { how: 'without widget state', file: FILES.plain },
  { how: 'with widget state', file: FILES.withState },
])(
  'a notebook saved $how and opened again shows the last picture and asks nobody',
  async ({ file }) => {
    const page = await stage.context.newPage()
    const asked = watchViewerRequests(page)
    await openNotebook(page, stage.lab, file)
    await notebookReady(page)
    const output = page.locator('.jp-Cell').first().locator('.jp-OutputArea').first()
    await expectPicture(output)
    await expect
      .poll(() =>
        output
          .getByText(/error|not found/i)
          .filter({ visible: true })
          .count(),
      )
      .toBe(0)
    expect(page.frames()).toHaveLength(1)
    expect(asked).toEqual([])
  },
  120_000,
)

test.each([
  { how: 'without widget state', file: FILES.plain },
  { how: 'with widget state', file: FILES.withState },
])(
  'a page that nbconvert made of a notebook saved $how shows the last picture and asks nobody',
  async ({ file }) => {
    const html = join(stage.lab.folder, file.replace('.ipynb', '.html'))
    execFileSync(join(ROOT, '.venv/bin/jupyter'), ['nbconvert', '--to', 'html', join(stage.lab.folder, file)], {
      stdio: 'pipe',
    })
    expect(readFileSync(html, 'utf8').includes(token), 'the page holds the secret').toBe(false)
    const page = await stage.context.newPage()
    const asked = watchViewerRequests(page)
    await serveFromPackages(page)
    await page.goto(`file://${html}`)
    await expectPicture(page.locator('.jp-OutputArea').first())
    if (file === FILES.withState) await page.locator('.cellucid-notebook').waitFor({ timeout: 30_000 })
    expect(page.frames()).toHaveLength(1)
    expect(asked).toEqual([])
  },
  120_000,
)

async function hasPicture(page: Page): Promise<boolean> {
  return (await cellOutputs(page, 0)).some((output) => output.data?.['image/png'] !== undefined)
}

async function writeNotebook(file: string, notebook: object): Promise<void> {
  const headers = { authorization: `token ${stage.lab.token}` }
  const body = JSON.stringify({ type: 'notebook', format: 'json', content: notebook })
  const answer = await fetch(`${stage.lab.url}api/contents/${file}`, { method: 'PUT', headers, body })
  expect(answer.status).toBe(201)
}

/** What goes to a viewer's server, straight or by a proxy. */
function watchViewerRequests(page: Page): readonly string[] {
  const asked: string[] = []
  const note = (url: string) => {
    if (url.includes('/proxy/') || url.includes('_cellucid') || new URL(url).port === String(port)) asked.push(url)
  }
  page.on('request', (request) => note(request.url()))
  page.on('websocket', (socket) => note(socket.url()))
  return asked
}

async function expectPicture(output: Locator): Promise<void> {
  const image = output.locator('img[alt*="picture"]').filter({ visible: true }).first()
  await image.waitFor({ timeout: 30_000 })
  const counts = await countColors(image.page(), await image.screenshot(), clusterColors)
  expect(counts.filter((pixels) => pixels >= 20).length).toBeGreaterThanOrEqual(5)
}

/** Such a page loads its widgets' code from public servers; here the same files come from packages. */
async function serveFromPackages(page: Page): Promise<void> {
  const files: [RegExp, string][] = [
    [/\/require(\.min)?\.js$/, join(unpackedPackage(REQUIRE_JS), 'require.js')],
    [/html-manager.*\/embed-amd\.js$/, join(unpackedPackage(HTML_MANAGER), 'dist/embed-amd.js')],
    [/\/anywidget@[^/]+\/dist\/index\.js$/, join(ROOT, '.venv/share/jupyter/nbextensions/anywidget/index.js')],
  ]
  await page.route(/^https?:/, async (route) => {
    const [, path] = files.find(([pattern]) => pattern.test(new URL(route.request().url()).pathname)) ?? []
    if (path === undefined || !existsSync(path)) await route.abort()
    else await route.fulfill({ path, contentType: 'text/javascript' })
  })
}
