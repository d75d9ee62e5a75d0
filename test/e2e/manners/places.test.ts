import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../../stage/lab-stage.ts'
import { inNotebook, runCell, runSource } from '../../stage/notebook.ts'
import { expectPicture, PLACES, PLACES_SETUP } from './places.ts'

describe('a viewer is a widget, wherever it is put', () => {
  let stage: LabStage
  let page: Page
  beforeAll(async () => {
    stage = await startLabStage('places')
    page = await stage.open([PLACES_SETUP])
    await runCell(page, 0)
  }, 120_000)
  afterEach(({ task }) => stage.photograph(page, task.name.replaceAll(/\W+/g, '-').slice(0, 60)))
  afterAll(async () => stage?.stop(), 60_000)

  test.each(PLACES)('in $title', async ({ source, viewers = 1, beside = 1, click }) => {
    await inNotebook(page, 'notebook:clear-all-cell-outputs')
    await expect.poll(() => page.locator('.cellucid-notebook').count()).toBe(0)
    await runSource(page, source)
    if (click !== undefined) await page.locator('.jp-OutputArea').getByText(click, { exact: true }).last().click()
    const drawn = page.locator('.cellucid-notebook[data-cellucid-status="ready"]')
    await expect.poll(() => drawn.count()).toBe(viewers)
    for (let nth = 0; nth < viewers; nth++)
      await expectPicture(drawn.nth(nth), page.locator('.jp-Cell-outputArea').last(), beside)
  })

  test('no style of ours touches an element that is not ours', async () => {
    await inNotebook(page, 'notebook:clear-all-cell-outputs')
    await runSource(page, FOREIGN_NEIGHBOURS)
    await expect.poll(() => page.locator('.cellucid-notebook[data-cellucid-status="ready"]').count()).toBe(3)
    await expect.poll(() => page.evaluate(foreignMatches)).toEqual({ rules: expect.any(Number), foreign: [] })
  })
})

/** Viewers in an interact, in an Output inside an Output, and in the cell, between widgets and texts of others. */
const FOREIGN_NEIGHBOURS = `print("before")
display(w.IntSlider())
outer, inner = w.Output(), w.Output()
display(outer)
with outer:
    print("above")
    display(w.Button(description="foreign"), inner)
with inner:
    show()
w.interact(lambda k: show() and None, k=["a", "b"])
show()
print("after")`

/** What the rules match that we put into the notebook's page, but for our own elements and the notebook's box around one. */
function foreignMatches(): { rules: number; foreign: string[] } {
  const sheets = [...document.styleSheets].filter(({ ownerNode }) => ownerNode?.textContent?.includes('cellucid'))
  const rules = sheets.flatMap(({ cssRules }) => [...cssRules]).filter((rule) => rule instanceof CSSStyleRule)
  const isOurs = (element: Element) =>
    element.closest('.cellucid-notebook, .cellucid-picture') !== null ||
    element.matches('.jp-OutputArea-child:has(> .jp-OutputArea-output > .cellucid-picture)')
  const matches = rules.flatMap(({ selectorText }) => [...document.querySelectorAll(selectorText)])
  return {
    rules: rules.length,
    foreign: matches.filter((element) => !isOurs(element)).map(({ className }) => className),
  }
}
