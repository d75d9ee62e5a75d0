import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { countColors } from '../../stage/picture.ts'
import { type BloodStage, openBloodStage } from './blood-stage.ts'
import { said, says } from './page-stage.ts'

let stage: BloodStage
beforeAll(async () => {
  stage = await openBloodStage()
})
afterEach(async () => {
  for (const page of stage.context.pages()) await page.close()
  expect(stage.errors.splice(0)).toEqual([])
})
afterAll(() => stage.stop())

/** What axe calls serious or critical, each with the elements it means. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => {
    const { axe: there } = globalThis as unknown as { axe: typeof axe } // its source has just run here
    return there.run({ resultTypes: ['violations'] })
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

const STATES: readonly (readonly [name: string, color: string, act: (page: Page) => Promise<unknown>])[] = [
  ['categories', 'cell_type', async () => undefined],
  ['a gene', 'CD3D', async () => undefined],
  ['an open search', 'cell_type', (page) => page.getByRole('combobox', { name: 'Colour by' }).fill('c')],
  [
    'a selection with a group',
    'cell_type',
    async (page) => {
      await page.getByRole('button', { name: 'Select NK cells' }).focus()
      await page.keyboard.press('Enter')
      await page.getByLabel('Name of the group').fill('mine')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: /^Platelets/ }).click()
    },
  ],
  ['violins', 'CD3D', (page) => page.getByRole('button', { name: 'A closer look' }).click()],
  [
    'a dot plot',
    'CD3D',
    async (page) => {
      await page.getByRole('button', { name: 'A closer look' }).click()
      await page.getByRole('button', { name: 'Dot plot' }).click()
      await page.locator('.dots circle').first().waitFor()
    },
  ],
  [
    'the table',
    'CD3D',
    async (page) => {
      await page.getByRole('button', { name: 'A closer look' }).click()
      await page.getByRole('button', { name: 'Table' }).click()
    },
  ],
  [
    'all that folds unfolded',
    'cell_type',
    async (page) => {
      for (const name of ['Appearance', 'On hover and in the table', 'Save'])
        await page.getByText(name, { exact: true }).click()
    },
  ],
  ['the help sheet', 'cell_type', (page) => page.getByRole('button', { name: 'Keys and gestures (?)' }).click()],
  [
    'a failure',
    'cell_type',
    async (page) => {
      await page.getByRole('combobox', { name: 'Colour by' }).fill('A, B')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
    },
  ],
]

test.each(STATES)('axe finds nothing serious: %s, on both backgrounds', async (_name, color, act) => {
  const { page } = await stage.show(color)
  await act(page)
  expect(await seriousFaults(page)).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await seriousFaults(page)).toEqual([])
  stage.errors.splice(0, stage.errors.length, ...stage.errors.filter((line) => !line.includes('404')))
})

test('at 320 by 300 pixels every control can be scrolled into sight, and axe finds nothing serious', async () => {
  const { page } = await stage.show()
  await page.setViewportSize({ width: 320, height: 300 })
  await page.getByRole('button', { name: 'Panel' }).click()
  for (const name of ['Embedding', 'Order']) await page.getByRole('combobox', { name }).scrollIntoViewIfNeeded()
  await page.getByText('Save', { exact: true }).click()
  await page.getByRole('button', { name: 'PNG' }).scrollIntoViewIfNeeded()
  await page.getByRole('button', { name: 'Panel' }).click()
  const bar = await page.getByRole('toolbar').boundingBox()
  const picture = await page.locator('canvas').boundingBox()
  expect(picture?.y, 'no cell is under the tools').toBeGreaterThanOrEqual((bar?.y ?? 0) + (bar?.height ?? 0))
  await page.getByRole('button', { name: 'A closer look' }).click()
  expect(await seriousFaults(page)).toEqual([])
})

test('while all cells are shown, none is under the tools', async () => {
  const { page } = await stage.show('n_counts')
  await page.getByRole('button', { name: 'Panel' }).click()
  await page.locator('canvas').hover()
  const toolbar = page.locator('.toolbar')
  for (const [width, height] of [
    [980, 500],
    [600, 300],
    [980, 640],
  ] as const) {
    await page.setViewportSize({ width, height })
    const clip = await toolbar.boundingBox()
    if (clip === null) throw new Error('no tools')
    await toolbar.evaluate((it) => (it.style.visibility = 'hidden'))
    const emptyPixels = async () => (await countColors(page, await page.screenshot({ clip }), [[255, 255, 255]]))[0]
    await expect.poll(emptyPixels, { message: `${width} x ${height}` }).toBe(clip.width * clip.height)
    await toolbar.evaluate((it) => (it.style.visibility = ''))
  }
})

test('with forced colours what is pressed is outlined, and the dots of the legend keep their colours', async () => {
  const { page } = await stage.show()
  const dot = page.getByLabel('Colour of NK cells')
  await page.emulateMedia({ forcedColors: 'active' })
  expect(await page.getByRole('button', { name: 'Panel' }).evaluate((it) => getComputedStyle(it).outlineStyle)).toBe(
    'solid',
  )
  expect(await dot.evaluate((it) => getComputedStyle(it).forcedColorAdjust)).toBe('none')
  // Beside "Show all" and the order there is room to read what is sought.
  await page.getByRole('button', { name: /^Platelets/ }).click()
  await page.getByRole('button', { name: 'Show all', exact: true }).waitFor()
  expect((await page.getByRole('searchbox').boundingBox())?.width).toBeGreaterThan(72)
})

test('a list stands below its box, and a pressed tab is seen', async () => {
  const { page } = await stage.show('CD3D')
  const box = page.getByRole('combobox', { name: 'Colour by' })
  await box.fill('c')
  await page.getByRole('option', { name: /^cell_type/ }).waitFor()
  const bottom = await box.evaluate((it) => it.getBoundingClientRect().bottom)
  const top = await page.getByRole('listbox').evaluate((it) => it.getBoundingClientRect().top)
  expect(top - bottom).toBeGreaterThanOrEqual(0)
  expect(top - bottom).toBeLessThan(12)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'A closer look' }).click()
  const ground = (name: string) =>
    page.getByRole('button', { name, exact: true }).evaluate((it) => getComputedStyle(it).backgroundColor)
  await page.locator('canvas').hover()
  expect(await ground('Violins')).not.toBe(await ground('Table'))
})

test('full screen is the whole screen, and back again nothing has changed', async () => {
  const { page } = await stage.show()
  await page.getByRole('button', { name: 'Select NK cells' }).focus()
  await page.keyboard.press('Enter')
  const selected = await said(page, 'selected')
  const button = page.getByRole('button', { name: 'Full screen' })
  await button.focus()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.fullscreenElement === document.documentElement)
  expect(await page.locator('main').evaluate((it) => it.clientHeight - innerHeight)).toBe(0)
  await button.click()
  await page.waitForFunction(() => document.fullscreenElement === null)
  expect(await said(page, 'selected')).toBe(selected)
})

/** How often cells are drawn until they have come to the other embedding. */
async function framesOfSwitch(page: Page): Promise<number> {
  await page.evaluate(() => {
    const { prototype } = WebGL2RenderingContext
    const { drawArrays } = prototype
    document.documentElement.dataset.frames = '0'
    prototype.drawArrays = function (...given) {
      const { dataset } = document.documentElement
      dataset.frames = String(Number(dataset.frames) + 1)
      drawArrays.apply(this, given)
    }
    // On the way every frame is as long as any other, however slow the machine is.
    let time = performance.now()
    performance.now = () => time
    const tick = () => {
      time += 50
      requestAnimationFrame(tick)
    }
    tick()
  })
  await page.getByRole('combobox', { name: 'Embedding' }).selectOption('UMAP 3D')
  await page.waitForFunction(() => document.querySelector('canvas')?.ariaLabel?.includes('UMAP 3D'))
  // On the way every frame is drawn.
  await page.evaluate(async () => {
    const { dataset } = document.documentElement
    for (let last = '', idle = 0; idle < 20; idle = dataset.frames === last ? idle + 1 : 0) {
      last = dataset.frames ?? ''
      await new Promise(requestAnimationFrame)
    }
  })
  return Number(await said(page, 'frames'))
}

test('cells walk to another embedding, but not where less motion is wanted, and nothing else moves there', async () => {
  const { page } = await stage.show()
  expect(await framesOfSwitch(page)).toBeGreaterThan(4)
  const { page: still } = await stage.show()
  await still.emulateMedia({ reducedMotion: 'reduce' })
  expect(await framesOfSwitch(still)).toBeLessThanOrEqual(4)
  expect(await still.evaluate(() => document.getAnimations().length)).toBe(0)
})

test('without WebGL2 the cells are there all the same, and the page says what is missing and what to do', async () => {
  const { viewer } = await stage.show()
  const page = await stage.context.newPage()
  await page.addInitScript(() => {
    const { prototype } = HTMLCanvasElement
    const original = prototype.getContext
    prototype.getContext = function (this: HTMLCanvasElement, ...given: unknown[]) {
      return given[0] === 'webgl2' ? null : Reflect.apply(original, this, given)
    } as typeof original
  })
  await page.goto(viewer.url)
  await page.getByText('Switch on hardware acceleration').waitFor()
  await says(page, 'ready', 'true')
  expect(await seriousFaults(page)).toEqual([])
})
