import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { colorsSeen, lasso, shows } from '../e2e/gestures.ts'
import { type FirstPicture, scenarioCells } from '../e2e/scenario.ts'
import { startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource } from '../stage/notebook.ts'
import { parseHex } from '../stage/picture.ts'
import {
  openConverted,
  reopenNotebook,
  SAVED_FILES,
  type SavedNotebook,
  saveShownNotebook,
} from '../stage/saved-notebook.ts'
import { viewerUrl } from '../stage/viewer-url.ts'
import type { Environment } from './environment.ts'

/** Where no widget stands between the page and its data, or no kernel behind the widget. */
export const SAVED_ENVIRONMENTS: readonly Environment[] = [
  {
    name: 'plain-tab',
    title: 'A browser tab of its own, by `viewer.viewer_url`',
    isReal: true,
    expectedTransport: 'direct',
    play: playInTab,
  },
  saved('reopened', 'A saved notebook, opened again without running it', reopenNotebook),
  saved('nbconvert', 'A page that nbconvert made of a notebook', openConverted),
]

type Look = (saved: SavedNotebook, file: string) => Promise<void>

function saved(name: string, title: string, look: Look): Environment {
  const play: Environment['play'] = async (tell) => {
    const notebook = await saveShownNotebook(name)
    try {
      const start = performance.now()
      await look(notebook, SAVED_FILES.plain)
      tell({ cells: 700, transport: 'picture', firstPictureMs: Math.round(performance.now() - start) })
      await look(notebook, SAVED_FILES.withState)
    } finally {
      await notebook.stage.closePages('end')
      await notebook.stage.stop()
    }
  }
  return { name, title, isReal: true, expectedTransport: 'picture', play }
}

/** JupyterLab cannot show the widget; its kernel knows the address. */
async function playInTab(tell: (shown: FirstPicture) => void): Promise<void> {
  const stage = await startLabStage('plain-tab', { disabledExtensions: ['anywidget'] })
  try {
    const page = await stage.open(scenarioCells())
    await runCell(page, 0)
    const colors = (JSON.parse(await runCell(page, 1)) as string[]).map(parseHex)
    const tab = await stage.context.newPage()
    const start = performance.now()
    await tab.goto(await viewerUrl(stage, page))
    await shows(tab, 'cells', '700')
    await expect.poll(() => colorsSeen(tab, colors), { timeout: 15_000 }).toBeGreaterThanOrEqual(5)
    tell({ cells: 700, transport: 'direct', firstPictureMs: Math.round(performance.now() - start) })
    expect(tab.url()).not.toContain('viewerToken')
    const counted = await lasso(tab)
    const arrived = await runSource(page, 'assert arrived.wait(10)\nprint(len(selections[-1]))')
    expect(Number(arrived)).toBe(counted)
    await runSource(page, 'viewer.set_color_by("CD3D")')
    await shows(tab, 'color', 'CD3D')
    await expectSameAfterReload(tab, () => viewerUrl(stage, page), counted)
  } finally {
    await stage.closePages('end')
    await stage.stop()
  }
}

/** The tab loaded again goes on, though its address holds no secret; a new one by the address shows the same. */
async function expectSameAfterReload(tab: Page, address: () => Promise<string>, selected: number): Promise<void> {
  await tab.reload()
  await shows(tab, 'color', 'CD3D')
  await shows(tab, 'selected', String(selected))
  await tab.goto(await address())
  await shows(tab, 'color', 'CD3D')
  await shows(tab, 'selected', String(selected))
}
