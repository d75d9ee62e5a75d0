import type { Locator } from 'playwright-core'
import { expect } from 'vitest'
import { colorsOf, settledPicture } from '../../stage/picture.ts'

/** What the sources of {@link PLACES} need. */
export const PLACES_SETUP = `import anndata, numpy as np, pandas as pd, ipywidgets as w
from threading import Thread
from IPython.display import clear_output, display
from cellucid_notebook import show_anndata
random = np.random.default_rng(0)
adata = anndata.AnnData(random.poisson(1, (400, 3)).astype("f4"), obs=pd.DataFrame({"kind": pd.Categorical(random.choice(list("abcdef"), 400))}))
adata.obsm["X_umap"] = random.normal(size=(400, 2))
def show(): return show_anndata(adata, color="kind", height=300)`

export type ViewerPlace = {
  title: string
  source: string
  /** How many viewers are drawn in the cell's output. */
  viewers?: number
  /** How many of them share its width. */
  beside?: number
  /** What the user clicks first, by its text. */
  click?: string
}

/** Where a notebook's code may put a viewer. */
export const PLACES: readonly ViewerPlace[] = [
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

/**
 * Cells in their colours, over its share of the width that the notebook gives to outputs, and no more.
 * @param area has that width
 * @param beside how many share it
 */
export async function expectPicture(root: Locator, area: Locator, beside = 1): Promise<void> {
  await root.scrollIntoViewIfNeeded()
  const page = root.page()
  const canvas = root.locator('iframe').last().contentFrame().locator('canvas').first()
  const share = ((await area.boundingBox())?.width ?? 0) / beside
  await expect.poll(async () => (await root.boundingBox())?.width ?? 0).toBeGreaterThan(share * 0.85)
  expect((await root.boundingBox())?.width).toBeLessThanOrEqual(share)
  await expect.poll(async () => colorsOf(page, await settledPicture(canvas))).toBeGreaterThan(6)
}
