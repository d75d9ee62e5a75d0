import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { CandidateKind } from '../../protocol/comm.ts'
import { whyNoFirefox } from '../../scripts/firefox.mjs'
import { colorsSeen, shows } from '../e2e/gestures.ts'
import { FIRST_PICTURE_MS } from '../e2e/scenario.ts'
import type { LabOptions, LabStage } from '../stage/lab-stage.ts'
import { cellOutputs, runCell, runSource, saveNotebook, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { countColors, differentPixels, parseHex, type Rgb, settledPicture } from '../stage/picture.ts'
import { reopenNotebook } from '../stage/saved-notebook.ts'
import { type Environment, lab, SCENARIO_FILE } from './environment.ts'

/** Mozilla's own Firefox; the rows above are seen in Chromium. */
export const FIREFOX_ENVIRONMENTS: readonly Environment[] = [
  inFirefox('firefox-proxy', 'Firefox: JupyterLab, with jupyter-server-proxy', 'same-origin-proxy'),
  inFirefox('firefox-direct', 'Firefox: JupyterLab, without jupyter-server-proxy', 'direct', { serverProxy: false }),
  inFirefox('firefox-tunnel', 'Firefox: JupyterLab at a host name, without jupyter-server-proxy', 'tunnel', {
    serverProxy: false,
    hostName: 'lab.example.test',
  }),
]

function inFirefox(name: string, title: string, transport: CandidateKind, options: LabOptions = {}): Environment {
  const environment = lab(name, title, transport, { options: { ...options, inFirefox: true }, after: seeTheRest })
  return { ...environment, whyNotHere: whyNoFirefox }
}

/** What the browser itself does differently from others: keys, wheel, full screen, graphics, and what a file keeps. */
async function seeTheRest(stage: LabStage, page: Page): Promise<void> {
  const earlier = stage.errors.length // of requests that a reload cut
  const colors = (JSON.parse(await runCell(page, 1)) as string[]).map(parseHex)
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
  await expect.poll(() => colorsSeen(viewerFrame(page), colors)).toBeGreaterThanOrEqual(5)
  await zoomByKeysAndWheel(page)
  await fillTheScreen(stage, page)
  await loseTheGraphics(page)
  expect(stage.errors.slice(earlier).filter(isOfOurs)).toEqual([])
  await keepThePicture(stage, page, colors)
}

async function zoomByKeysAndWheel(page: Page): Promise<void> {
  const canvas = canvasOf(page)
  const home = await pictureOf(canvas)
  const closer = [
    async () => canvas.press('+'),
    async () => {
      await canvas.click({ position: { x: 10, y: 200 } }) // no cell is there, and the wheel is the picture's
      await canvas.hover()
      await page.mouse.wheel(0, -300)
    },
  ]
  for (const come of closer) {
    await come()
    await expect.poll(async () => differentPixels(page, home, await pictureOf(canvas))).toBeGreaterThan(0.02)
    await canvas.press('r')
    await expectAgain(page, home)
  }
}

async function fillTheScreen(stage: LabStage, page: Page): Promise<void> {
  const viewer = viewerFrame(page)
  const home = await pictureOf(canvasOf(page))
  const button = viewer.getByRole('button', { name: 'Full screen' })
  const isFull = () =>
    viewer.locator('html').evaluate((root) => document.fullscreenElement === root && innerHeight >= screen.height - 1)
  await button.click()
  await expect.poll(isFull).toBe(true)
  await stage.photograph(page, 'full-screen')
  await button.click()
  await expect.poll(isFull).toBe(false)
  await expectAgain(page, home)
}

async function loseTheGraphics(page: Page): Promise<void> {
  const canvas = canvasOf(page)
  const home = await pictureOf(canvas)
  const isGivenBack = await canvas.evaluate(async (element: HTMLCanvasElement) => {
    const context = element.getContext('webgl2')
    const loss = context?.getExtension('WEBGL_lose_context')
    const lost = new Promise((told) => element.addEventListener('webglcontextlost', told, { once: true }))
    loss?.loseContext()
    await lost
    // A context can be given back once the event that took it is over.
    await new Promise((over) => setTimeout(over))
    const restored = new Promise((told) => element.addEventListener('webglcontextrestored', told, { once: true }))
    loss?.restoreContext()
    await restored
    return context?.isContextLost() === false
  })
  expect(isGivenBack).toBe(true)
  await expectAgain(page, home)
  await runSource(page, 'viewer.set_color_by("CD3D")')
  await shows(viewerFrame(page), 'color', 'CD3D')
  await runSource(page, 'viewer.set_color_by("louvain")')
  await shows(viewerFrame(page), 'color', 'louvain')
}

/** The file holds the picture, and shows it to whoever opens it later. */
async function keepThePicture(stage: LabStage, page: Page, clusterColors: readonly Rgb[]): Promise<void> {
  const kept = async () => {
    const png = (await cellOutputs(page, 0)).map(({ data }) => data?.['image/png']).find(Boolean)
    if (typeof png !== 'string') return 0
    const counts = await countColors(page, Buffer.from(png, 'base64'), clusterColors)
    return counts.filter((pixels) => pixels >= 20).length
  }
  await expect.poll(kept, { timeout: 40_000 }).toBeGreaterThanOrEqual(5)
  const port = Number(await runSource(page, 'print(viewer.port)'))
  await stage.photograph(page, 'before-it-is-kept')
  await saveNotebook(page)
  await page.close()
  await stage.lab.shutDownKernels()
  await reopenNotebook({ stage, clusterColors, port, token: '' }, SCENARIO_FILE)
  await stage.closePages('reopened')
}

function canvasOf(page: Page): Locator {
  return viewerFrame(page).locator('canvas').first()
}

/** Without a tooltip, and without the ring of the focus. */
async function pictureOf(canvas: Locator): Promise<Buffer> {
  await canvas.page().mouse.move(5, 5)
  await canvas.blur()
  return settledPicture(canvas)
}

async function expectAgain(page: Page, picture: Buffer): Promise<void> {
  await expect.poll(async () => differentPixels(page, picture, await pictureOf(canvasOf(page)))).toBeLessThan(0.01)
}

/** The page's policy refuses the style `body {}`, which the driver adds for pictures; JupyterLab asks in vain. */
function isOfOurs(error: string): boolean {
  return !/YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT|status of 404/.test(error)
}
