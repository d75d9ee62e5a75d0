import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook, runCell, runSource, viewerFrame, viewerReady, viewerRoot } from '../stage/notebook.ts'
import { colorsOf } from '../stage/picture.ts'

/** More than a browser has graphics contexts for: Chromium takes the oldest away at the 17th. */
const VIEWERS = 18
const PREPARE = `import scanpy as sc
from cellucid_notebook import show_anndata
sc.datasets.pbmc68k_reduced().write_h5ad("pbmc.h5ad")`
const SHOW = 'viewer = show_anndata("pbmc.h5ad", color="louvain", height=400)'

let stage: LabStage
beforeAll(async () => {
  stage = await startLabStage('many-viewers')
}, 90_000)
afterAll(async () => stage?.stop(), 60_000)

test('18 viewers in one notebook all show their cells when they are looked at, and the first can be worked with', async () => {
  const page = await stage.open([PREPARE, ...Array.from({ length: VIEWERS }, () => SHOW)])
  try {
    await runCell(page, 0)
    for (let nth = 0; nth < VIEWERS; nth++) {
      await runCell(page, nth + 1)
      await look(page, nth)
    }
    await stage.photograph(page, 'last')
    for (let nth = 0; nth < VIEWERS; nth++) await look(page, nth)
    await look(page, 0)
    const first = viewerFrame(page, 0)
    await first.locator('canvas').click({ position: { x: 10, y: 300 } })
    await expect.poll(() => first.locator('img.still').count()).toBe(0)
    await first.getByRole('button', { name: 'Select 0', exact: true }).focus()
    await page.keyboard.press('Enter')
    await first.locator('[data-selected]:not([data-selected="0"])').waitFor({ state: 'attached' })
    await stage.photograph(page, 'first')
  } finally {
    await page.close()
  }
})

/** Scroll to a viewer as a person does, and see cells in their colours. */
async function look(page: Page, nth: number): Promise<void> {
  await page.evaluate((place) => {
    const { content } = window.jupyterapp.shell.currentWidget
    content.deselectAll()
    content.activeCellIndex = place
    return content.scrollToItem(place, 'start')
  }, nth + 1)
  const root = viewerRoot(page, nth)
  await root.scrollIntoViewIfNeeded()
  await viewerReady(page, 60_000, nth)
  const canvas = viewerFrame(page, nth).locator('canvas')
  await expect
    .poll(async () => colorsOf(page, await canvas.screenshot()), { timeout: 30_000, message: `viewer ${nth + 1}` })
    .toBeGreaterThan(10)
}

test('the lower border of a viewer is dragged, moved by keys, and the height is there again after a reload', async () => {
  const page = await stage.open([PREPARE, SHOW], 'height.ipynb')
  try {
    await runCell(page, 0)
    await runCell(page, 1)
    await viewerReady(page, 60_000)
    const height = () => viewerRoot(page).evaluate((root) => root.getBoundingClientRect().height)
    const canvasHeight = () =>
      viewerFrame(page)
        .locator('canvas')
        .evaluate((canvas) => canvas.clientHeight)
    const [before, canvasBefore] = [await height(), await canvasHeight()]
    const handle = viewerFrame(page).getByRole('separator', { name: 'Height of the cell' })
    await handle.scrollIntoViewIfNeeded()
    const box = await handle.boundingBox()
    if (box === null) throw new Error('no handle')
    await page.mouse.move(box.x + 100, box.y + 3)
    await page.mouse.down()
    for (const step of [20, 50, 80]) await page.mouse.move(box.x + 100, box.y + 3 + step)
    await page.mouse.up()
    await expect.poll(height).toBe(before + 80)
    await handle.focus()
    await page.keyboard.press('ArrowUp')
    await expect.poll(height).toBe(before + 60)
    await expect.poll(canvasHeight).toBe(canvasBefore + 60)
    // The page tells its state before it acknowledges.
    await runSource(page, 'viewer.get_session_bundle()')
    await labNotebook(page).reload()
    await viewerReady(page, 60_000)
    await expect.poll(height, { timeout: 30_000 }).toBe(before + 60)
  } finally {
    await page.close()
  }
})
