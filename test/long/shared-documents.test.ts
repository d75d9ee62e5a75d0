import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installMatrixPackages, matrixPackages } from '../../scripts/matrix-packages.mjs'
import { chooseGene, shows } from '../e2e/gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { JUPYTER_LAB } from '../stage/front-ends.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { cellOutputs, runCell, saveNotebook, viewerFrame, viewerReady } from '../stage/notebook.ts'

const GENES = 'CD3D NKG7 CD79A LYZ GNLY FCER1A LGALS3 CD8A MS4A1 CST3 S100A8 CD8B GZMB CD27 IL32'.split(' ')
/** As a person who looks at each does. */
const LOOK_MS = 1_500
/** A picture waits no longer than this in a shared document. */
const LATEST_MS = 45_000

let stage: LabStage
let page: Page
beforeAll(async () => {
  await installMatrixPackages()
  const packages = matrixPackages()
  stage = await startLabStage('shared-document', {
    environment: {
      PYTHONPATH: packages,
      JUPYTER_PATH: join(packages, 'share/jupyter'),
      JUPYTER_CONFIG_PATH: join(packages, 'etc/jupyter'),
    },
  })
  page = await stage.open(SCENARIO_CELLS, 'shared.ipynb')
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
}, 180_000)
afterAll(async () => {
  await stage?.closePages('shared')
  await stage?.stop()
}, 60_000)

/** The saved picture, as it stands in the document. */
async function picture(): Promise<string> {
  const outputs = await cellOutputs(page, 0)
  return String(outputs.flatMap(({ data }) => data?.['image/png'] ?? [])[0] ?? '')
}

/** What jupyter-collaboration keeps of its documents: every state that they ever had. */
function storedBytes(): number {
  const files = ['', '-wal', '-journal'].map((suffix) => join(stage.lab.folder, `.jupyter_ystore.db${suffix}`))
  return files.reduce((bytes, file) => bytes + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
}

/** Where a page says who else is there. */
function sentence(on: Page): Locator {
  return viewerFrame(on).getByText('here, too.')
}

/** Once nothing more is on its way there. */
async function settledBytes(): Promise<number> {
  let last = -1
  await expect
    .poll(
      () => {
        const [before, now] = [last, storedBytes()]
        last = now
        return now - before
      },
      { interval: 2_000 },
    )
    .toBe(0)
  return last
}

test('a picture is put into the document when it is saved', async () => {
  await expect.poll(picture).not.toBe('')
  const before = await picture()
  await chooseGene(viewerFrame(page), 'CD3D')
  await sleep(LOOK_MS)
  expect(await picture()).toBe(before)
  await saveNotebook(page)
  await expect.poll(picture).not.toBe(before)
}, 60_000)

test('a second user hears who else is there and what each may change, as long as they are', async () => {
  const browser = page.context().browser()
  if (browser === null) throw new Error('the browser has no other contexts')
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
  const theirs = await context.newPage()
  await JUPYTER_LAB.open(theirs, stage.lab, 'shared.ipynb')
  await viewerReady(theirs, FIRST_PICTURE_MS)
  const [ours, they] = [sentence(page), sentence(theirs)]
  await they.waitFor()
  await ours.waitFor()
  await stage.photograph(page, 'first-user')
  await theirs.screenshot({ path: join(stage.folder, 'second-user.png') })
  expect(await they.textContent()).toMatch(/^.+ is here, too\. Each of you has colour, camera, filters and selection/)
  expect(await they.textContent()).not.toBe(await ours.textContent())
  await chooseGene(viewerFrame(theirs), 'LYZ')
  await shows(viewerFrame(page), 'color', 'CD3D')
  await context.close()
  await ours.waitFor({ state: 'detached' })
}, 120_000)

test('15 recolourings add at most 0.3 MB to the store, and the last one is there', async () => {
  const [before, shown] = [await settledBytes(), await picture()]
  for (const gene of GENES) {
    await chooseGene(viewerFrame(page), gene)
    await sleep(LOOK_MS)
  }
  await expect.poll(picture, { timeout: LATEST_MS }).not.toBe(shown)
  const added = (await settledBytes()) - before
  expect(added).toBeLessThanOrEqual(300_000)
}, 180_000)
