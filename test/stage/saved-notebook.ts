import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { openNotebook } from '../../scripts/jupyter-lab.mjs'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { type LabStage, startLabStage } from './lab-stage.ts'
import { cellOutputs, notebookReady, runCell, runSource, saveNotebook, viewerReady } from './notebook.ts'
import { HTML_MANAGER, REQUIRE_JS, unpackedPackage } from './packed-package.ts'
import { countColors, parseHex, type Rgb } from './picture.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** JupyterLab keeps the state of widgets in the file only where its settings say so. */
const KEEP_WIDGET_STATE = { '@jupyter-widgets/jupyterlab-manager:plugin': { saveState: true } }
export const SAVED_FILES = { plain: 'plain.ipynb', withState: 'with-state.ipynb' }

/** A notebook that was shown, saved and left, with and without the state of its widgets; no kernel runs any more. */
export type SavedNotebook = {
  stage: LabStage
  clusterColors: readonly Rgb[]
  /** Of the viewer's server, which has ended. */
  port: number
  token: string
}

/** @param name of the folder of the run; the caller stops the stage */
export async function saveShownNotebook(name: string): Promise<SavedNotebook> {
  const stage = await startLabStage(name, { serverProxy: false, settings: KEEP_WIDGET_STATE })
  try {
    const page = await stage.open(SCENARIO_CELLS, SAVED_FILES.withState)
    await runCell(page, 0)
    await viewerReady(page, FIRST_PICTURE_MS)
    const clusterColors = (JSON.parse(await runCell(page, 1)) as string[]).map(parseHex)
    const port = Number(await runSource(page, 'print(viewer.port)'))
    await runSource(page, 'open("token.txt", "w").write(viewer._link.token); None')
    const token = readFileSync(join(stage.lab.folder, 'token.txt'), 'utf8')
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    await vi.waitUntil(() => hasPicture(page), { timeout: 30_000, interval: 250 })
    await saveNotebook(page)
    await page.close()
    const notebook = JSON.parse(readFileSync(join(stage.lab.folder, SAVED_FILES.withState), 'utf8'))
    expect(notebook.metadata.widgets).toBeDefined()
    delete notebook.metadata.widgets
    await writeNotebook(stage, SAVED_FILES.plain, notebook)
    await stage.lab.shutDownKernels()
    return { stage, clusterColors, port, token }
  } catch (error) {
    await stage.stop()
    throw error
  }
}

/** Open it as a person does, without running anything: the last picture is there, and nobody is asked. */
export async function reopenNotebook(
  { stage, clusterColors, port }: SavedNotebook,
  file: string,
  { forbidsBlobs = false } = {},
): Promise<void> {
  const page = await stage.context.newPage()
  if (forbidsBlobs) await forbidBlobScripts(page)
  const asked = watchViewerRequests(page, port)
  await openNotebook(page, stage.lab, file)
  await notebookReady(page)
  const output = page.locator('.jp-Cell').first().locator('.jp-OutputArea').first()
  await expectPicture(output, clusterColors)
  const complaints = output.getByText(/error|not found/i).filter({ visible: true })
  await expect.poll(() => complaints.count()).toBe(0)
  // One sentence says how to get the live viewer: the widget's own, or where there is none that of the picture.
  const sentences = output.getByText(/live view/).filter({ visible: true })
  await expect.poll(() => sentences.count()).toBe(1)
  const hasWidget = file === SAVED_FILES.withState && !forbidsBlobs
  expect(await sentences.textContent()).toContain(hasWidget ? 'Run this cell' : 'Trust Notebook')
  expect(page.frames()).toHaveLength(1)
  expect(asked).toEqual([])
}

/** Make a page of it, and open that: the last picture is there, nobody is asked, and it holds no secret. */
export async function openConverted(saved: SavedNotebook, file: string): Promise<void> {
  const { stage, clusterColors, port, token } = saved
  const html = join(stage.lab.folder, file.replace('.ipynb', '.html'))
  execFileSync(join(ROOT, '.venv/bin/jupyter'), ['nbconvert', '--to', 'html', join(stage.lab.folder, file)], {
    stdio: 'pipe',
  })
  expect(readFileSync(html, 'utf8').includes(token), 'the page holds the secret').toBe(false)
  const page = await stage.context.newPage()
  const asked = watchViewerRequests(page, port)
  await serveFromPackages(page)
  await page.goto(`file://${html}`)
  await expectPicture(page.locator('.jp-OutputArea').first(), clusterColors)
  if (file === SAVED_FILES.withState) await page.locator('.cellucid-notebook').waitFor({ timeout: 30_000 })
  expect(page.frames()).toHaveLength(1)
  expect(asked).toEqual([])
}

/** As some hosts do; anywidget loads every widget's code from a blob: address. */
async function forbidBlobScripts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const policy = document.createElement('meta')
    policy.httpEquiv = 'Content-Security-Policy'
    policy.content = "script-src 'self' 'unsafe-inline' 'unsafe-eval'"
    const observer = new MutationObserver(() => {
      if (document.head === null) return
      observer.disconnect()
      document.head.prepend(policy)
    })
    observer.observe(document, { childList: true, subtree: true })
  })
}

async function hasPicture(page: Page): Promise<boolean> {
  return (await cellOutputs(page, 0)).some((output) => output.data?.['image/png'] !== undefined)
}

async function writeNotebook(stage: LabStage, file: string, notebook: object): Promise<void> {
  const headers = { authorization: `token ${stage.lab.token}` }
  const body = JSON.stringify({ type: 'notebook', format: 'json', content: notebook })
  const answer = await fetch(`${stage.lab.url}api/contents/${file}`, { method: 'PUT', headers, body })
  expect(answer.status).toBe(201)
}

/** What goes to a viewer's server, straight or by a proxy. */
function watchViewerRequests(page: Page, port: number): readonly string[] {
  const asked: string[] = []
  const note = (url: string) => {
    if (url.includes('/proxy/') || url.includes('_cellucid') || new URL(url).port === String(port)) asked.push(url)
  }
  page.on('request', (request) => note(request.url()))
  page.on('websocket', (socket) => note(socket.url()))
  return asked
}

async function expectPicture(output: Locator, clusterColors: readonly Rgb[]): Promise<void> {
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
