import type { FrameLocator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { colorsOf, countColors, parseHex, settledPicture } from '../stage/picture.ts'
import { FIRST_PICTURE_MS } from './scenario.ts'

/** What stands on screen in a real JupyterLab, beside what scanpy draws in the same kernel. */
let stage: LabStage
beforeAll(async () => {
  stage = await startLabStage('right-numbers')
}, 90_000)
afterEach(({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

const IMPORTS = `import json, anndata, matplotlib, numpy as np, pandas as pd, scanpy as sc
matplotlib.use("Agg")
from cellucid_notebook import show_anndata
rng = np.random.default_rng(0)`

/** The legend's words in one line. */
async function legend(viewer: FrameLocator): Promise<string> {
  return (await viewer.locator('.legend').allInnerTexts()).join(' ').replace(/\s+/g, ' ')
}

test('a gene is read from raw as in scanpy, from X when asked, and the legend names the matrix and its ends', async () => {
  const page = await stage.open([
    IMPORTS,
    `adata = sc.datasets.pbmc68k_reduced()
viewer = show_anndata(adata, color="CD3D")
ax = sc.pl.umap(adata, color="CD3D", show=False)
print(json.dumps([float(end) for end in ax.collections[0].get_clim()]))`,
  ])
  await runCell(page, 0)
  const [, high] = JSON.parse((await runCell(page, 1)).trim().split('\n').at(-1) ?? '') as [number, number]
  await viewerReady(page, FIRST_PICTURE_MS)
  const viewer = viewerFrame(page)
  await expect.poll(() => legend(viewer)).toContain(high.toFixed(2))
  expect(await legend(viewer)).toContain('raw')
  const raw = await settledPicture(viewer.locator('canvas').first())
  await runSource(page, 'viewer.set_color_by("CD3D", use_raw=False)')
  await expect.poll(() => legend(viewer)).toContain('5.23')
  expect(await legend(viewer)).toMatch(/[-−]0\.6/)
  expect((await settledPicture(viewer.locator('canvas').first())).equals(raw)).toBe(false)
}, 180_000)

test('tables, sparse and Bioconductor’s embeddings are the first picture, with the colours that scanpy gives', async () => {
  const page = await stage.open([
    IMPORTS,
    `adata = anndata.AnnData(rng.poisson(1, (500, 4)).astype("f4"))
adata.obs["kind"] = pd.Categorical(rng.choice(list("abc"), 500))
adata.obsm["PCA"] = rng.normal(size=(500, 20))
adata.obsm["UMAP"] = pd.DataFrame(rng.normal(size=(500, 2)), index=adata.obs_names, columns=["UMAP_1", "UMAP_2"])
viewer = show_anndata(adata, color="kind")
sc.pl.embedding(adata.copy(), "PCA", color="kind", show=False)
copy = adata.copy(); sc.pl.embedding(copy, "PCA", color="kind", show=False)
print(json.dumps(list(copy.uns["kind_colors"])))`,
  ])
  await runCell(page, 0)
  const colors: string[] = JSON.parse((await runCell(page, 1)).trim().split('\n').at(-1) ?? '')
  await viewerReady(page, FIRST_PICTURE_MS)
  const viewer = viewerFrame(page)
  await expect.poll(() => legend(viewer)).toMatch(/a .*b .*c/)
  const picture = await settledPicture(viewer.locator('canvas').first())
  for (const pixels of await countColors(page, picture, colors.map(parseHex))) expect(pixels).toBeGreaterThan(100)
  expect(JSON.parse(await runSource(page, 'print(json.dumps(viewer.state.embedding))'))).toBe('UMAP')
}, 180_000)

test('whole numbers keep their digits in the legend, and few of them become categories with one click', async () => {
  const page = await stage.open([
    IMPORTS,
    `adata = anndata.AnnData(rng.poisson(1, (500, 4)).astype("f4"))
adata.obsm["X_umap"] = rng.normal(size=(500, 2))
adata.obs["joinid"] = 70_000_000 + np.arange(500)
adata.obs["huge"] = np.array([1e300, -1e300] * 250)
adata.obs["leiden"] = rng.integers(0, 7, 500)
viewer = show_anndata(adata, color="joinid")`,
  ])
  await runCell(page, 0)
  await runCell(page, 1)
  await viewerReady(page, FIRST_PICTURE_MS)
  const viewer = viewerFrame(page)
  await expect.poll(async () => (await legend(viewer)).replace(/[^\d]/g, ' ')).toMatch(/70 000 000.*70 000 499/)
  await runSource(page, 'viewer.set_color_by("huge")')
  await expect.poll(() => legend(viewer)).toMatch(/-1\.00e\+300.* 1\.00e\+300/)
  await runSource(page, 'viewer.set_color_by("leiden")')
  await viewer.getByRole('button', { name: 'Show as categories' }).click()
  await expect.poll(() => viewer.locator('.legend .categories li').count()).toBe(7)
  await expect
    .poll(async () => colorsOf(page, await settledPicture(viewer.locator('canvas').first())))
    .toBeGreaterThan(7)
  await viewer.getByRole('button', { name: 'Show as values' }).click()
  await expect.poll(() => viewer.locator('.legend .categories li').count()).toBe(0)
}, 180_000)
