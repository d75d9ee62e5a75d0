import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, saveNotebook } from '../stage/notebook.ts'
import { parseHex } from '../stage/picture.ts'
import { viewerUrl } from '../stage/viewer-url.ts'
import { colorsSeen, lasso, shows } from './gestures.ts'
import { scenarioCells } from './scenario.ts'

/** JupyterLab that cannot show the widget: what is left is the address. */
let stage: LabStage

beforeAll(async () => {
  stage = await startLabStage('plain-tab', { disabledExtensions: ['anywidget'] })
}, 90_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

test('where anywidget is missing, the cell says what to install and where, and its link opens the viewer once', async () => {
  const page = await stage.open(scenarioCells())
  await runCell(page, 0)
  const output = page.locator('.jp-Cell').first().locator('.jp-OutputArea')
  await output.getByText(/pip install anywidget==/).waitFor({ timeout: 30_000 })
  await output.getByText(/viewer\.viewer_url/).waitFor()
  const link = output.getByRole('link', { name: 'Open the viewer in a tab' })
  const open = async () => {
    const opened = stage.context.waitForEvent('page')
    await link.click()
    return await opened
  }
  await shows(await open(), 'cells', '700')
  await (await open())
    .getByRole('alert')
    .filter({ hasText: /not valid any more.*viewer\.viewer_url/ })
    .waitFor()
  const { viewerToken } = Object.fromEntries(new URL(await viewerUrl(stage, page)).searchParams)
  await saveNotebook(page)
  expect(readFileSync(join(stage.lab.folder, 'notebook-1.ipynb'), 'utf8')).not.toContain(viewerToken)
}, 120_000)

test('viewer_url in a tab of its own draws, hears Python, and tells it the selection', async () => {
  const page = await stage.open(scenarioCells())
  await runCell(page, 0)
  const clusterColors = (JSON.parse(await runCell(page, 1)) as string[]).map(parseHex)
  const tab = await stage.context.newPage()
  await tab.goto(await viewerUrl(stage, page))
  await shows(tab, 'color', 'louvain')
  await expect.poll(() => colorsSeen(tab, clusterColors)).toBeGreaterThanOrEqual(5)
  expect(tab.url()).not.toContain('viewerToken')

  const counted = await lasso(tab)
  const cells = JSON.parse(await runSource(page, 'assert arrived.wait(10)\nprint(json.dumps(selections[-1]))'))
  expect(cells).toHaveLength(counted)
  await runSource(page, 'viewer.set_color_by("CD3D")')
  await shows(tab, 'color', 'CD3D')
}, 120_000)
