import { copyFile, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { bloodDataset } from '../../stage/blood-dataset.ts'
import { openPageStage, says } from './page-stage.ts'

// `npm run screens`: photographs the main states of the page, for people to look at. `-- NAME …` only these;
// `-- --docs` those of the documentation, and puts them there.

const FOLDER = resolve(import.meta.dirname, '../../../dist/screens')
const DOCS = resolve(import.meta.dirname, '../../../docs')
const CELLS = 60_000
/** What a notebook cell has in JupyterLab on a laptop. */
const CELL_SIZE = { width: 980, height: 500 }

type Screen = {
  name: string
  color?: string
  /** Its file in `docs/`. */
  docs?: string
  size?: { width: number; height: number }
  dark?: boolean
  forcedColors?: boolean
  /** From the first picture to the state. */
  act?(page: Page): Promise<void>
}

const SCREENS: readonly Screen[] = [
  { name: 'categories', docs: 'viewer-cell-types.png' },
  { name: 'gene', color: 'CD3D' },
  { name: 'dark', dark: true },
  {
    name: 'selection',
    async act(page) {
      await lasso(page)
    },
  },
  {
    name: 'search',
    async act(page) {
      await page.getByRole('combobox', { name: 'Colour by' }).click()
      await page.keyboard.type('c')
      await page.locator('.suggestions [role=option]').first().waitFor()
      await page.keyboard.press('ArrowDown')
    },
  },
  {
    name: 'violins',
    color: 'CD3D',
    async act(page) {
      await page.getByRole('button', { name: 'A closer look' }).click()
      await page.locator('.violins').waitFor()
    },
  },
  {
    name: 'dots',
    docs: 'viewer-dot-plot.png',
    size: { width: 980, height: 640 },
    async act(page) {
      await page.getByRole('button', { name: 'A closer look' }).click()
      await page.getByRole('button', { name: 'Dot plot' }).click()
      await page
        .getByRole('textbox', { name: 'Genes of the dot plot' })
        .fill('LYZ FCGR3A MS4A1 CD79A CD3D IL7R NKG7 PPBP')
      await page.keyboard.press('Enter')
      await page.locator('.dots circle').first().waitFor()
    },
  },
  {
    name: 'table',
    async act(page) {
      await lasso(page)
      await page.getByRole('button', { name: 'A closer look' }).click()
      await page.getByRole('button', { name: 'Table' }).click()
      await page.getByText('On hover and in the table').click()
      await page.getByRole('checkbox', { name: 'donor' }).check()
      await page
        .getByRole('cell', { name: /^donor / })
        .first()
        .waitFor()
    },
  },
  {
    name: 'hover',
    async act(page) {
      await page.mouse.move(250, 230)
      await page.locator('.tooltip').waitFor()
    },
  },
  {
    name: 'three-dimensions',
    async act(page) {
      await page.getByRole('combobox', { name: 'Embedding' }).selectOption('UMAP 3D')
      await page.locator('canvas').focus()
      for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowRight')
    },
  },
  { name: 'narrow', size: { width: 320, height: 300 } },
  {
    name: 'narrow-panel',
    size: { width: 320, height: 300 },
    act: (page) => page.getByRole('button', { name: 'Panel' }).click(),
  },
  {
    name: 'forced-colors',
    forcedColors: true,
    act: (page) => page.getByRole('button', { name: /^Platelets/ }).click(),
  },
  {
    name: 'appearance',
    color: 'CD3D',
    async act(page) {
      await page.getByText('Appearance').click()
      await page.getByText('Save', { exact: true }).click()
      await page.getByRole('button', { name: 'PNG' }).scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'help',
    async act(page) {
      await page.locator('canvas').focus()
      await page.keyboard.press('?')
    },
  },
]

async function lasso(page: Page): Promise<void> {
  const box = await page.locator('canvas').boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  const at = (step: number): [number, number] => {
    const angle = (step / 24) * 2 * Math.PI
    return [box.x + box.width * (0.68 + 0.2 * Math.cos(angle)), box.y + box.height * (0.36 + 0.22 * Math.sin(angle))]
  }
  await page.keyboard.down('Shift')
  await page.mouse.move(...at(0))
  await page.mouse.down()
  for (let step = 1; step <= 24; step++) await page.mouse.move(...at(step))
  await page.mouse.up()
  await page.keyboard.up('Shift')
}

/** A picture for the kernel is made when all that was asked for is on screen. */
async function drawn(viewerId: string): Promise<void> {
  const { kernel } = stage.server
  const command = { kind: 'screenshot', requestId: viewerId, scale: 1 } as const
  kernel.notify('viewer.command', { viewerId, seq: 1, command })
  await kernel.hear('viewer.ack', (ack) => ack.viewerId === viewerId)
}

const isForDocs = process.argv.includes('--docs')
const wanted = process.argv.slice(2).filter((name) => !name.startsWith('-'))
const stage = await openPageStage({ read: bloodDataset(CELLS) })
try {
  await mkdir(FOLDER, { recursive: true })
  for (const { name, docs, color = 'cell_type', size = CELL_SIZE, dark = false, forcedColors, act } of SCREENS) {
    if ((wanted.length > 0 && !wanted.includes(name)) || (isForDocs && docs === undefined)) continue
    const options = {
      name: 'Blood of 12 donors',
      color,
      embedding: 'X_umap',
      geneSymbols: 'gene_symbols',
      matrix: null,
    }
    const { viewerId, url } = await stage.server.openViewer({ options })
    const page = await stage.context.newPage()
    await page.setViewportSize(size)
    await page.emulateMedia({
      colorScheme: dark ? 'dark' : 'light',
      forcedColors: forcedColors === true ? 'active' : 'none',
    })
    await page.goto(url)
    await says(page, 'ready', 'true')
    await act?.(page)
    await drawn(viewerId)
    await page.screenshot({ path: `${FOLDER}/${name}.png` })
    if (isForDocs && docs !== undefined) await copyFile(`${FOLDER}/${name}.png`, `${DOCS}/${docs}`)
    await page.close()
    process.stdout.write(`dist/screens/${name}.png\n`)
  }
  if (stage.errors.length > 0) throw new Error(`The pages complained: ${stage.errors.join('\n')}`)
} finally {
  await stage.stop()
}
