import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type BloodStage, openBloodStage } from './blood-stage.ts'

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
  for (const name of ['Embedding', 'Order']) await page.getByRole('combobox', { name }).scrollIntoViewIfNeeded()
  await page.getByText('Save', { exact: true }).click()
  await page.getByRole('button', { name: 'PNG' }).scrollIntoViewIfNeeded()
  await page.getByRole('button', { name: 'Hide the panel' }).click()
  await page.getByRole('button', { name: 'A closer look' }).click()
  expect(await seriousFaults(page)).toEqual([])
})

test('with forced colours what is pressed is outlined, and the dots of the legend keep their colours', async () => {
  const { page } = await stage.show()
  const dot = page.getByLabel('Colour of NK cells')
  await page.emulateMedia({ forcedColors: 'active' })
  expect(
    await page.getByRole('button', { name: 'Hide the panel' }).evaluate((it) => getComputedStyle(it).outlineStyle),
  ).toBe('solid')
  expect(await dot.evaluate((it) => getComputedStyle(it).forcedColorAdjust)).toBe('none')
})
