import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { notebookReady, runCell, runSource, saveNotebook, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { countColors, parseHex } from '../stage/picture.ts'

/** The cells of the notebook that every environment runs. */
export const SCENARIO_CELLS = [
  `import json, threading
import scanpy as sc
from cellucid_notebook import show_anndata
adata = sc.datasets.pbmc68k_reduced()
viewer = show_anndata(adata, color="louvain")`,
  `selections, arrived = [], threading.Event()
@viewer.on_selection
def keep(event):
    selections.append([int(cell) for cell in event["cells"]])
    arrived.set()
print(json.dumps(list(adata.uns["louvain_colors"])))`,
] as const

/** A start that has to find Node, load the package and draw with software GL on a busy machine. */
const FIRST_PICTURE_MS = 60_000
const CHANGE_MS = 15_000

/**
 * What a biologist does, in a notebook that is open and ready: show, colour, select, command, reload.
 * @param transport the one that this environment must end in
 */
export async function playScenario(page: Page, transport: string): Promise<void> {
  await runCell(page, 0)
  expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
  const palette: string[] = JSON.parse(await runCell(page, 1))
  const clusterColors = palette.map(parseHex)
  expect(await colorsSeen(page, clusterColors)).toBeGreaterThanOrEqual(5)

  await chooseGene(page, 'CD3D')
  expect(await colorsSeen(page, clusterColors)).toBeLessThan(3)

  const counted = await lasso(page)
  expect(counted).toBeGreaterThan(0)
  const cells: number[] = JSON.parse(
    await runSource(page, 'assert arrived.wait(10)\nprint(json.dumps(selections[-1]))'),
  )
  expect(cells).toHaveLength(counted)

  await runSource(page, 'viewer.set_color_by("louvain")')
  await shows(page, 'color', 'louvain')
  // The selection stays, and what is not selected is grey: fewer cluster colours than before, but some.
  expect(await colorsSeen(page, clusterColors)).toBeGreaterThanOrEqual(1)

  await saveNotebook(page)
  await page.reload()
  await notebookReady(page)
  expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
  await shows(page, 'color', 'louvain')
  await shows(page, 'selected', String(counted))
}

/** Type a gene into the page's search box and take the first hit, with the keyboard alone. */
export async function chooseGene(page: Page, gene: string): Promise<void> {
  const search = viewerFrame(page).getByRole('combobox', { name: 'Colour by' })
  await search.fill(gene)
  await viewerFrame(page).getByRole('option', { name: gene }).first().waitFor()
  await search.press('ArrowDown')
  await search.press('Enter')
  await shows(page, 'color', gene)
}

/** Draw a lasso around the middle of the picture with the mouse. @returns how many cells the page says it holds */
export async function lasso(page: Page): Promise<number> {
  const canvas = viewerFrame(page).locator('canvas').first()
  await canvas.scrollIntoViewIfNeeded()
  const box = await canvas.boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  const at = (turn: number): [number, number] => [
    box.x + box.width / 2 + Math.cos(turn * 2 * Math.PI) * box.width * 0.25,
    box.y + box.height / 2 + Math.sin(turn * 2 * Math.PI) * box.height * 0.3,
  ]
  await page.keyboard.down('Shift')
  await page.mouse.move(...at(0))
  await page.mouse.down()
  for (let step = 1; step <= 24; step++) await page.mouse.move(...at(step / 24))
  await page.mouse.up()
  await page.keyboard.up('Shift')
  const root = viewerFrame(page).locator('[data-selected]:not([data-selected="0"])').first()
  await root.waitFor({ state: 'attached', timeout: CHANGE_MS })
  return Number(await root.getAttribute('data-selected'))
}

/** Wait until the page's root says so: `data-color`, `data-selected`, … */
export async function shows(page: Page, attribute: string, value: string): Promise<void> {
  await viewerFrame(page)
    .locator(`[data-${attribute}="${value}"]`)
    .first()
    .waitFor({ state: 'attached', timeout: CHANGE_MS })
}

/** How many of these colours cover at least 20 pixels of the picture. */
async function colorsSeen(page: Page, colors: readonly (readonly [number, number, number])[]): Promise<number> {
  const png = await viewerFrame(page).locator('canvas').first().screenshot()
  const counts = await countColors(page, png, colors)
  return counts.filter((pixels) => pixels >= 20).length
}
