import type { Place } from '../stage/notebook.ts'
import { countColors, type Rgb } from '../stage/picture.ts'

const CHANGE_MS = 15_000

/**
 * What a person does in the viewer's page, and what the page says of itself.
 * @param viewer the page: a frame in a notebook, or a tab
 */
export async function chooseGene(viewer: Place, gene: string): Promise<void> {
  const search = viewer.getByRole('combobox', { name: 'Colour by' })
  await search.fill(gene)
  await viewer.getByRole('option', { name: gene }).first().waitFor()
  await search.press('ArrowDown')
  await search.press('Enter')
  await shows(viewer, 'color', gene)
}

/**
 * Draw a lasso around the middle of the picture with the mouse.
 * @param ending called right before the button is let go
 * @returns how many cells the page says it holds
 */
export async function lasso(viewer: Place, ending: () => void = () => undefined): Promise<number> {
  const canvas = viewer.locator('canvas').first()
  const { keyboard, mouse } = canvas.page()
  // A notebook that runs a cell scrolls to it: this waits until the canvas stands still, and scrolls it into view.
  await canvas.hover()
  const box = await canvas.boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  const at = (turn: number): [number, number] => [
    box.x + box.width / 2 + Math.cos(turn * 2 * Math.PI) * box.width * 0.25,
    box.y + box.height / 2 + Math.sin(turn * 2 * Math.PI) * box.height * 0.3,
  ]
  await keyboard.down('Shift')
  await mouse.move(...at(0))
  await mouse.down()
  for (let step = 1; step <= 24; step++) await mouse.move(...at(step / 24))
  ending()
  await mouse.up()
  await keyboard.up('Shift')
  const root = viewer.locator('[data-selected]:not([data-selected="0"])').first()
  await root.waitFor({ state: 'attached', timeout: CHANGE_MS })
  return Number(await root.getAttribute('data-selected'))
}

/** Wait until the page's root says so: `data-color`, `data-selected`, … */
export async function shows(viewer: Place, attribute: string, value: string): Promise<void> {
  const said = viewer.locator(`[data-${attribute}="${value}"]`).first()
  await said.waitFor({ state: 'attached', timeout: CHANGE_MS })
}

/** How many of these colours cover at least 20 pixels of the picture. */
export async function colorsSeen(viewer: Place, colors: readonly Rgb[]): Promise<number> {
  const canvas = viewer.locator('canvas').first()
  const counts = await countColors(canvas.page(), await canvas.screenshot(), colors)
  return counts.filter((pixels) => pixels >= 20).length
}
