import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../../stage/lab-stage.ts'
import { runCell, runSource, viewerFrame, viewerReady, viewerRoot } from '../../stage/notebook.ts'
import { chooseGene, lasso, shows } from '../gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../scenario.ts'

describe('what can be read of a viewer can be set and observed', () => {
  let stage: LabStage
  let page: Page
  beforeAll(async () => {
    stage = await startLabStage('values')
    page = await stage.open(SCENARIO_CELLS)
    await runCell(page, 0)
    await viewerReady(page, FIRST_PICTURE_MS)
  }, 180_000)
  afterEach(({ task }) => stage.photograph(page, task.name.replaceAll(/\W+/g, '-')))
  afterAll(async () => stage?.stop(), 60_000)

  test('the state is there when the viewer is ready', async () => {
    const source = 'viewer.wait_for_ready()\nprint(viewer.state.color_by, viewer.state.embedding, viewer.embedding)'
    expect(await runSource(page, source)).toBe('louvain X_umap X_umap\n')
  })

  test('what is set is read back in the same cell, and then shown', async () => {
    const printed = await runSource(
      page,
      'viewer.height = 420; viewer.color = "CD3D"; viewer.selection = range(9)\n' +
        'print(viewer.height, viewer.color, adata[viewer.selection].n_obs)',
    )
    expect(printed).toBe('420 CD3D 9\n')
    await shows(viewerFrame(page), 'color', 'CD3D')
    await expect
      .poll(() =>
        viewerRoot(page)
          .locator('iframe')
          .last()
          .evaluate(({ clientHeight }) => clientHeight),
      )
      .toBe(420)
    expect(await runSource(page, 'print(viewer.color, len(viewer.selection))')).toBe('CD3D 9\n')
  })

  test('observers and linked widgets hear what the user does', async () => {
    await runSource(
      page,
      'import ipywidgets as w\nfield, count = w.Text(), w.Label()\n' +
        'w.link((viewer, "color"), (field, "value"))\n' +
        'w.dlink((viewer, "selection"), (count, "value"), lambda cells: f"{len(cells)} are selected")\n' +
        'display(field, count)',
    )
    await chooseGene(viewerFrame(page), 'CD79A')
    const selected = await lasso(viewerFrame(page))
    await expect.poll(() => page.getByText(`${selected} are selected`).count()).toBe(1)
    expect(await runSource(page, 'print(field.value, viewer.color)')).toBe('CD79A CD79A\n')
  })

  test('what the front end links passes between two viewers, and between a viewer and a field', async () => {
    await runSource(
      page,
      'other, typed = show_anndata(adata, height=300), w.Text()\n' +
        'w.jslink((viewer, "selection"), (other, "selection"))\n' +
        'w.jslink((viewer, "color"), (typed, "value"))\n' +
        'display(typed)',
    )
    await viewerReady(page, FIRST_PICTURE_MS, 1)
    await viewerRoot(page).scrollIntoViewIfNeeded()
    const selected = await lasso(viewerFrame(page))
    await shows(viewerFrame(page, 1), 'selected', String(selected))
    expect(await runSource(page, 'print(len(other.selection))')).toBe(`${selected}\n`)
    const field = page.locator('.widget-text input').last()
    expect(await field.inputValue()).toBe('CD79A')
    await field.fill('louvain')
    await field.press('Enter')
    await shows(viewerFrame(page), 'color', 'louvain')
  })
})
