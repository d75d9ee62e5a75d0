import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../../stage/lab-stage.ts'
import { inNotebook, runCell, runSource } from '../../stage/notebook.ts'
import { colorsOf, settledPicture } from '../../stage/picture.ts'

const SETUP = `import anndata, numpy as np, pandas as pd, ipywidgets as w
from threading import Thread
from IPython.display import clear_output, display
from cellucid_notebook import show_anndata
random = np.random.default_rng(0)
adata = anndata.AnnData(random.poisson(1, (400, 3)).astype("f4"), obs=pd.DataFrame({"kind": pd.Categorical(random.choice(list("abcdef"), 400))}))
adata.obsm["X_umap"] = random.normal(size=(400, 2))
def show(): return show_anndata(adata, color="kind", height=300)`

type Row = {
  title: string
  source: string
  /** How many viewers are drawn in the cell's output. */
  viewers?: number
  /** How many of them share its width. */
  beside?: number
  /** What the user clicks first, by its text. */
  click?: string
}

const ROWS: Row[] = [
  { title: 'the cell itself, as last expression', source: 'show()' },
  {
    title: 'the cell itself, twice, for two views of one viewer',
    source: 'viewer = show()\ndisplay(viewer)',
    viewers: 2,
  },
  { title: 'an Output that is displayed before', source: 'out = w.Output()\ndisplay(out)\nwith out:\n    show()' },
  { title: 'an Output that is displayed after', source: 'out = w.Output()\nwith out:\n    show()\ndisplay(out)' },
  {
    title: 'an Output, by append_display_data',
    source: 'out = w.Output()\nviewer = show()\nclear_output()\nout.append_display_data(viewer)\ndisplay(out)',
  },
  {
    title: 'an Output, from a callback',
    source:
      'out = w.Output()\nbutton = w.Button(description="show it")\ndef clicked(_):\n    with out:\n        show()\nbutton.on_click(clicked)\ndisplay(button, out)',
    click: 'show it',
  },
  {
    title: 'an Output, from a decorated callback',
    source:
      'out = w.Output()\nbutton = w.Button(description="capture it")\n@out.capture(clear_output=True)\ndef clicked(_):\n    show()\nbutton.on_click(clicked)\ndisplay(button, out)',
    click: 'capture it',
  },
  {
    title: 'an Output inside an Output',
    source:
      'outer, inner = w.Output(), w.Output()\ndisplay(outer)\nwith outer:\n    display(inner)\nwith inner:\n    show()',
  },
  { title: 'interact', source: 'w.interact(lambda k: show() and None, k=["a", "b"]);' },
  {
    title: 'interactive_output',
    source: 'k = w.Dropdown(options=["a", "b"])\ndisplay(k, w.interactive_output(lambda k: show() and None, {"k": k}))',
  },
  {
    title: 'an accordion of Outputs',
    source:
      'outs = [w.Output(), w.Output()]\ndisplay(w.Accordion(outs, titles=("one", "two"), selected_index=0))\nwith outs[0]:\n    show()',
  },
  {
    title: 'the second of two tabs of Outputs',
    source:
      'outs = [w.Output(), w.Output()]\ndisplay(w.Tab(outs, titles=("first", "second")))\nwith outs[1]:\n    show()',
    click: 'second',
  },
  {
    title: 'a Stack of Outputs',
    source: 'outs = [w.Output(), w.Output()]\ndisplay(w.Stack(outs, selected_index=1))\nwith outs[1]:\n    show()',
  },
  {
    title: 'a row of two Outputs',
    source: 'outs = [w.Output(), w.Output()]\ndisplay(w.HBox(outs))\nfor out in outs:\n    with out:\n        show()',
    viewers: 2,
    beside: 2,
  },
  {
    title: 'a row of two',
    source: 'a, b = show(), show()\nclear_output()\ndisplay(w.HBox([a, b]))',
    viewers: 2,
    beside: 2,
  },
  { title: 'a column', source: 'a = show()\nclear_output()\ndisplay(w.VBox([w.Label("above"), a]))' },
  {
    title: 'a grid',
    source:
      'a, b = show(), show()\nclear_output()\ndisplay(w.GridBox([a, b], layout=w.Layout(grid_template_columns="1fr 1fr")))',
    viewers: 2,
    beside: 2,
  },
  {
    title: 'the middle of an AppLayout',
    source: 'a = show()\nclear_output()\ndisplay(w.AppLayout(header=w.Label("above"), center=a))',
  },
  { title: 'a cell that is cleared before', source: 'viewer = show()\nclear_output()\ndisplay(viewer)' },
  {
    title: 'a display id that is updated',
    source:
      'handle = display("first", display_id=True)\nviewer = show()\nclear_output()\nhandle = display(viewer, display_id="d")\n',
  },
  {
    title: 'an Output that is cleared fifty times',
    source:
      'out = w.Output()\ndisplay(out)\nfor _ in range(50):\n    with out:\n        clear_output(wait=True)\n        viewer = show()',
  },
]

describe('a viewer is a widget, wherever it is put', () => {
  let stage: LabStage
  let page: Page
  beforeAll(async () => {
    stage = await startLabStage('places')
    page = await stage.open([SETUP])
    await runCell(page, 0)
  }, 120_000)
  afterEach(({ task }) => stage.photograph(page, task.name.replaceAll(/\W+/g, '-').slice(0, 60)))
  afterAll(async () => stage?.stop(), 60_000)

  test.each(ROWS)('in $title', async ({ source, viewers = 1, beside = 1, click }) => {
    await inNotebook(page, 'notebook:clear-all-cell-outputs')
    await expect.poll(() => page.locator('.cellucid-notebook').count()).toBe(0)
    await runSource(page, source)
    if (click !== undefined) await page.locator('.jp-OutputArea').getByText(click, { exact: true }).last().click()
    const drawn = page.locator('.cellucid-notebook[data-cellucid-status="ready"]')
    await expect.poll(() => drawn.count()).toBe(viewers)
    for (let nth = 0; nth < viewers; nth++) await expectPicture(drawn.nth(nth), beside)
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

/** Cells in their colours, over its share of the width that the notebook gives to outputs, and no more. */
async function expectPicture(root: Locator, beside: number): Promise<void> {
  await root.scrollIntoViewIfNeeded()
  const page = root.page()
  const canvas = root.locator('iframe').last().contentFrame().locator('canvas').first()
  const share = ((await page.locator('.jp-Cell-outputArea').last().boundingBox())?.width ?? 0) / beside
  await expect.poll(async () => (await root.boundingBox())?.width ?? 0).toBeGreaterThan(share * 0.85)
  expect((await root.boundingBox())?.width).toBeLessThanOrEqual(share)
  await expect.poll(async () => colorsOf(page, await settledPicture(canvas))).toBeGreaterThan(6)
}
