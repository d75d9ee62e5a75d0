import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openNotebook } from '../../scripts/jupyter-lab.mjs'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { notebookReady, runCell, runSource, saveNotebook, viewerReady, viewerRoot } from '../stage/notebook.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from './scenario.ts'

let stage: LabStage
beforeAll(async () => {
  stage = await startLabStage('saved-picture', { serverProxy: false })
}, 90_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

/** What the page sends after changes settle, at a moment of the test's choosing. */
const SAVE_A_PICTURE = `
from io import BytesIO
from PIL import Image
png = BytesIO(); Image.new("RGB", (300, 200), "red").save(png, "png")
viewer.on_snapshot(None, png.getvalue())
import time
while viewer._second_output.pictures < 1: time.sleep(0.05)`

test('the picture stays hidden behind a live viewer and stands alone in a notebook that is opened again', async () => {
  const page = await stage.open(SCENARIO_CELLS, 'saved.ipynb')
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
  const outputs = await outputHeights(page)
  await runSource(page, SAVE_A_PICTURE)
  const picture = page.locator('.cellucid-picture img')
  await picture.waitFor({ state: 'attached' })
  expect(await picture.isVisible()).toBe(false)
  expect(await viewerRoot(page).isVisible()).toBe(true)
  expect(await outputHeights(page), 'the second output takes no room').toEqual(outputs)

  await saveNotebook(page)
  await page.close()
  await stage.lab.shutDownKernels()
  const again = await stage.context.newPage()
  await openNotebook(again, stage.lab, 'saved.ipynb')
  await notebookReady(again)
  const saved = again.locator('.cellucid-picture img')
  await saved.waitFor()
  expect(await saved.boundingBox()).toMatchObject({ width: 300, height: 200 })
  const instead = again.locator('.jp-Notebook .jp-OutputArea').first().getByText(/error/i).filter({ visible: true })
  expect(await instead.count(), 'no error in place of the widget').toBe(0)
  await stage.photograph(again, 'reopened')

  await runCell(again, 0)
  await viewerReady(again, FIRST_PICTURE_MS)
  expect(await again.locator('.cellucid-picture img').count(), 'running the cell again starts empty').toBe(0)
}, 240_000)

/** Heights of the output area of the first cell and of what it holds, CSS pixels. */
async function outputHeights(page: Page): Promise<number> {
  const box = await page.locator('.jp-Cell-outputArea').first().boundingBox()
  return Math.round(box?.height ?? 0)
}
