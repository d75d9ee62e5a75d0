import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../../stage/lab-stage.ts'
import { runCell, runSource, viewerFrame, viewerReady } from '../../stage/notebook.ts'
import { lasso } from '../gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../scenario.ts'

const SHOWN =
  'import time, ipywidgets as w, matplotlib.pyplot as plt\n%matplotlib inline\nout = w.Output()\ndisplay(out)'
const DRAWS = 'print("selected", len(event["cells"])); plt.plot([1, 2])'

/** How a hook comes to an Output. */
const ROWS = [
  { title: 'registered inside', source: `with out:\n    @viewer.on_selection\n    def _(event): ${DRAWS}` },
  { title: 'entering it', source: `@viewer.on_selection\ndef _(event):\n    with out: ${DRAWS}; plt.show()` },
  { title: 'decorated', source: `@viewer.on_selection\n@out.capture()\ndef _(event): ${DRAWS}; plt.show()` },
]

describe('a hook prints and draws where a user looks', () => {
  let stage: LabStage
  let page: Page
  beforeAll(async () => {
    stage = await startLabStage('hooks')
    page = await stage.open(SCENARIO_CELLS)
    await runCell(page, 0)
    await viewerReady(page, FIRST_PICTURE_MS)
  }, 180_000)
  afterEach(({ task }) => stage.photograph(page, task.name.replaceAll(/\W+/g, '-')))
  afterAll(async () => stage?.stop(), 60_000)

  test.each(ROWS)('in an Output, $title, while another cell runs', async ({ source }) => {
    await runSource(page, `viewer.clear_hooks()\n${SHOWN}`)
    const output = page.locator('.jp-OutputArea .jupyter-widgets.jp-OutputArea, .jupyter-widgets .jp-OutputArea').last()
    await runSource(page, source)
    const running = runSource(page, 'time.sleep(8)\nprint("ended")')
    await expect.poll(() => kernelStatus(page)).toBe('busy')
    const selected = await lasso(viewerFrame(page))
    await expectText(output, `selected ${selected}`)
    await expect.poll(() => output.locator('img').count()).toBe(1)
    expect(await running).toBe('ended\n')
    expect(await page.getByText(`selected ${selected}`).count()).toBe(1)
    await runSource(page, 'out.close()')
  })
})

function kernelStatus(page: Page): Promise<string> {
  return page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status)
}

async function expectText(place: Locator, text: string): Promise<void> {
  await expect.poll(async () => (await place.allTextContents()).join('\n')).toContain(text)
}
