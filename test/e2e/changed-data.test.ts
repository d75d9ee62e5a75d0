import type { FrameLocator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { differentPixels, settledPicture } from '../stage/picture.ts'

/** What a notebook changes in place after it was shown: the page says so, and shows what is there now when asked to. */
let stage: LabStage

beforeAll(async () => {
  stage = await startLabStage('changed-data')
}, 90_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

const MAKE = `import anndata, numpy as np, pandas as pd, scanpy as sc, scipy.sparse as sp
from cellucid_notebook import show_anndata
rng = np.random.default_rng(0)
counts = sp.csr_matrix(rng.integers(0, 6, (500, 20)).astype("f4"))
adata = anndata.AnnData(counts, var=pd.DataFrame(index=[f"GENE{i}" for i in range(20)]))
adata.obsm["X_umap"] = rng.normal(size=(500, 2))`
const SHOW = 'viewer = show_anndata(adata, color="GENE3")'
const LOG = 'sc.pp.log1p(adata)'

/** The ends of the colour's scale, as the legend says them. */
async function legend(viewer: FrameLocator): Promise<string> {
  return (await viewer.locator('.legend').allInnerTexts()).join(' ').replace(/\s+/g, ' ')
}

test('after sc.pp.log1p the page says that X changed, and reads it again when asked to, or when it is shown again', async () => {
  const page = await stage.open([MAKE, SHOW, LOG])
  await runCell(page, 0)
  await runCell(page, 1)
  await viewerReady(page, 60_000)
  const viewer = viewerFrame(page)
  const note = viewer.locator('.notice', { hasText: 'X changed since it was read' })
  await expect.poll(() => legend(viewer)).toMatch(/\b0\b.*\b5\b/)
  const before = await settledPicture(viewer.locator('canvas').first())
  expect(await note.count()).toBe(0)

  await runCell(page, 2)
  await note.waitFor({ timeout: 10_000 })
  expect(await legend(viewer)).toMatch(/\b0\b.*\b5\b/)
  await stage.photograph(page, 'note')
  await note.getByRole('button', { name: 'Read again' }).click()
  await expect.poll(() => legend(viewer), { timeout: 10_000 }).toContain('1.79')
  expect(await note.count()).toBe(0)
  const after = await settledPicture(viewer.locator('canvas').first())
  expect(await differentPixels(page, before, after)).toBeGreaterThan(0.001)

  await runSource(page, 'adata.X.data += 1')
  await note.waitFor({ timeout: 10_000 })
  await runCell(page, 1)
  await viewerReady(page, 60_000)
  await expect.poll(() => legend(viewerFrame(page)), { timeout: 10_000 }).toContain('2.79')

  await runSource(page, 'adata.X.data += 1; viewer.refresh()')
  await expect.poll(() => legend(viewerFrame(page)), { timeout: 10_000 }).toContain('3.79')
  expect(await viewerFrame(page).locator('.notice', { hasText: 'changed' }).count()).toBe(0)
}, 180_000)
