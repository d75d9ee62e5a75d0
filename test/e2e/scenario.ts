import { expect } from 'vitest'
import { type OpenNotebook, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { parseHex } from '../stage/picture.ts'
import { chooseGene, colorsSeen, lasso, shows } from './gestures.ts'

/** The cells of the notebook that every environment runs. */
export const SCENARIO_CELLS = scenarioCells()

/** @param options more arguments of `show_anndata`, as Python writes them */
export function scenarioCells(...options: string[]): string[] {
  return [
    `import contextvars, json, threading
import scanpy as sc
from cellucid_notebook import show_anndata
adata = sc.datasets.pbmc68k_reduced()
viewer = show_anndata(${['adata', 'color="louvain"', ...options].join(', ')})`,
    `selections, arrived = [], threading.Event()
@viewer.on_selection
def keep(event):
    selections.append([int(cell) for cell in event["cells"]])
    arrived.set()
print(json.dumps(list(adata.uns["louvain_colors"])))`,
  ]
}

/** A start that has to find Node, load the package and draw with software GL on a busy machine. */
export const FIRST_PICTURE_MS = 60_000

export type FirstPicture = { cells: number; transport: string; firstPictureMs: number }
export type Asides = {
  /** How many cells the notebook shows. */
  cellCount?: number
  /** The first picture, as soon as it stands. */
  tell?: (shown: FirstPicture) => void
  /** Before the notebook is saved and its page reloaded: coloured by cluster, some cells selected. */
  meanwhile?: () => Promise<void>
}

/**
 * What a biologist does: show, colour, select, command, reload.
 * @param transport the one that this environment must end in
 */
export async function playScenario(
  notebook: OpenNotebook,
  transport: string,
  { cellCount = 700, tell, meanwhile }: Asides = {},
): Promise<void> {
  const viewer = viewerFrame(notebook.outputs)
  const start = performance.now()
  await notebook.run(0)
  const shown = await viewerReady(notebook.outputs, FIRST_PICTURE_MS)
  tell?.({ ...shown, firstPictureMs: Math.round(performance.now() - start) })
  expect(shown).toEqual({ cells: cellCount, transport })
  await shows(viewer, 'color', 'louvain') // over a slow connection it comes after the picture
  const palette: string[] = JSON.parse(await notebook.run(1))
  const clusterColors = palette.map(parseHex)
  await expect.poll(() => colorsSeen(viewer, clusterColors)).toBeGreaterThanOrEqual(5)

  await chooseGene(viewer, 'CD3D')
  await expect.poll(() => colorsSeen(viewer, clusterColors)).toBeLessThan(3)

  const counted = await lasso(viewer)
  expect(counted).toBeGreaterThan(0)
  const arrived = await notebook.execute('assert arrived.wait(10)\nprint(len(selections[-1]))')
  expect(Number(arrived)).toBe(counted)

  await notebook.execute('viewer.set_color_by("louvain")')
  await shows(viewer, 'color', 'louvain')
  // The selection stays, and what is not selected is grey: fewer cluster colours than before, but some.
  await expect.poll(() => colorsSeen(viewer, clusterColors)).toBeGreaterThanOrEqual(1)

  await meanwhile?.()
  const selected = await viewer.locator('[data-selected]').first().getAttribute('data-selected')
  await notebook.reload()
  expect(await viewerReady(notebook.outputs, FIRST_PICTURE_MS)).toEqual({ cells: cellCount, transport })
  await shows(viewer, 'color', 'louvain')
  await shows(viewer, 'selected', notebook.startsAnew === true ? '0' : String(selected))
}
