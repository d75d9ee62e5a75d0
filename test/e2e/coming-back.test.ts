import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openNotebook } from '../../scripts/jupyter-lab.mjs'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import {
  inNotebook,
  notebookReady,
  runCell,
  runSource,
  saveNotebook,
  viewerFrame,
  viewerReady,
  viewerRoot,
} from '../stage/notebook.ts'
import { differentPixels, settledPicture } from '../stage/picture.ts'
import { chooseGene, lasso, shows } from './gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from './scenario.ts'

const ENVIRONMENTS = [
  { name: 'back-direct', title: 'over HTTP', transport: 'direct', options: { serverProxy: false } },
  {
    name: 'back-tunnel',
    title: 'through the notebook',
    transport: 'tunnel',
    options: { serverProxy: false, hostName: 'lab.example.test' },
  },
] as const

describe.each(ENVIRONMENTS)('$title', ({ name, options, transport }) => {
  let stage: LabStage
  beforeAll(async () => {
    stage = await startLabStage(name, options)
  }, 90_000)
  afterEach(async ({ task }) => stage.closePages(task.name))
  afterAll(async () => stage?.stop(), 60_000)

  /** A notebook whose viewer is coloured by a gene, moved, and has a selection. */
  async function openArranged(): Promise<{ page: Page; selected: number; picture: Buffer }> {
    const page = await stage.open(SCENARIO_CELLS)
    await runCell(page, 0)
    expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
    const viewer = viewerFrame(page)
    await chooseGene(viewer, 'CD3D')
    const selected = await lasso(viewer)
    await viewer.locator('canvas').first().press('+')
    // Neither a tooltip nor the ring of the focus in the picture.
    await page.mouse.move(5, 5)
    await viewer.locator('canvas').first().blur()
    return { page, selected, picture: await settledPicture(viewerFrame(page).locator('canvas').first()) }
  }

  // Out of sight a browser neither animates a frame nor tells it its size, and the user scrolls back to what is there.
  test.each(['in sight', 'scrolled out of sight'])(
    'a viewer server that was killed is replaced, and the same picture comes back by itself, %s',
    async (where) => {
      const { page, selected, picture } = await openArranged()
      const before = await readyAt(page)
      const output = page.locator('.jp-OutputArea-child', { has: viewerRoot(page) })
      if (where === 'scrolled out of sight') await runSource(page, LONG_OUTPUT)
      await runSource(page, KILL_THE_SERVER)
      await readyAfter(page, before)
      await output.scrollIntoViewIfNeeded()
      await shows(viewerFrame(page), 'color', 'CD3D')
      await shows(viewerFrame(page), 'selected', String(selected))
      await showsAgain(page, picture)
      // Both directions work with the new one.
      await runSource(page, 'viewer.set_color_by("louvain")')
      await shows(viewerFrame(page), 'color', 'louvain')
    },
    180_000,
  )

  test('a restarted kernel leaves the old picture, with a sentence that says what to do', async () => {
    const { page, picture } = await openArranged()
    await page.evaluate(async () => {
      await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()
    })
    const notice = viewerRoot(page).getByRole('status')
    await notice.filter({ hasText: /run this cell/i }).waitFor({ timeout: 30_000 })
    const still = await viewerFrame(page).locator('canvas').first().screenshot()
    expect(await differentPixels(page, picture, still)).toBeLessThan(0.1) // the page may say itself that it is cut off
  }, 120_000)

  test('a page that slept while its viewer server was replaced shows the same picture when it wakes', async () => {
    const { page, picture } = await openArranged()
    const before = await readyAt(page)
    const { pid, port } = JSON.parse(await runSource(page, TELL_THE_SERVER))
    const browser = await page.context().newCDPSession(page)
    await browser.send('Page.setWebLifecycleState', { state: 'frozen' })
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => isReplaced(pid, port)).toBe(true)
    await browser.send('Page.setWebLifecycleState', { state: 'active' })
    await readyAfter(page, before)
    await viewerRoot(page).scrollIntoViewIfNeeded()
    await shows(viewerFrame(page), 'color', 'CD3D')
    await showsAgain(page, picture)
  }, 180_000)

  test('an output whose cell was moved, and a second view of it, show the same picture', async () => {
    const { page, selected, picture } = await openArranged()
    const before = await readyAt(page)
    await inNotebook(page, 'notebook:move-cell-down')
    await readyAfter(page, before)
    await viewerRoot(page).scrollIntoViewIfNeeded()
    await shows(viewerFrame(page), 'color', 'CD3D')
    await shows(viewerFrame(page), 'selected', String(selected))
    // Half a pixel further down each edge would differ.
    const moved = await readyAt(page)
    await inNotebook(page, 'notebook:move-cell-up')
    await readyAfter(page, moved)
    await viewerRoot(page).scrollIntoViewIfNeeded()
    await showsAgain(page, picture)

    await inNotebook(page, 'notebook:create-output-view')
    const second = 1
    expect(await viewerReady(page, FIRST_PICTURE_MS, second)).toEqual({ cells: 700, transport })
    await shows(viewerFrame(page, second), 'color', 'CD3D')
    await shows(viewerFrame(page, second), 'selected', String(selected))
    await page.getByRole('tab', { name: /\.ipynb/ }).click()
    await runSource(page, 'viewer.set_color_by("louvain")')
    for (const nth of [0, second]) await shows(viewerFrame(page, nth), 'color', 'louvain')
  }, 180_000)

  test('two tabs on one kernel each show what was asked in them', async () => {
    const first = await stage.open(SCENARIO_CELLS, 'tabs.ipynb')
    await runCell(first, 0)
    await viewerReady(first, FIRST_PICTURE_MS)
    await saveNotebook(first)
    const second = await stage.context.newPage()
    await openNotebook(second, stage.lab, 'tabs.ipynb')
    await notebookReady(second)
    expect(await viewerReady(second, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
    for (const [here, there] of [
      ['CD3D', 'NKG7'],
      ['GNLY', 'CD79A'],
      ['CST3', 'LYZ'],
    ] as const) {
      await Promise.all([chooseGene(viewerFrame(first), here), chooseGene(viewerFrame(second), there)])
      await Promise.all([shows(viewerFrame(first), 'color', here), shows(viewerFrame(second), 'color', there)])
    }
  }, 180_000)
})

/** The process that the kernel started for its viewers ends without a word. */
const KILL_THE_SERVER = `import psutil
servers = [p for p in psutil.Process().children() if any("server.mjs" in part for part in p.cmdline())]
assert len(servers) == 1, servers
servers[0].kill()`

const TELL_THE_SERVER = 'print(json.dumps({"pid": viewer._server.pid, "port": viewer.port}))'

/** The kernel has seen this process end, and another answers in its place. */
async function isReplaced(pid: number, port: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    // Gone, and its end collected: what answers now is the next one.
  }
  try {
    return (await fetch(`http://127.0.0.1:${port}/_cellucid/health`)).ok
  } catch {
    return false // Nobody listens yet.
  }
}

const LONG_OUTPUT = 'print("\\n" * 80 + "the last line")'

/** When the viewer's last first picture stood, in milliseconds since the epoch. */
async function readyAt(page: Page): Promise<number> {
  return Number(await viewerRoot(page).getAttribute('data-cellucid-ready-at'))
}

/** Wait for a first picture that is newer. */
async function readyAfter(page: Page, before: number): Promise<void> {
  await page.waitForFunction(
    (then) => {
      const root = document.querySelector<HTMLElement>('.cellucid-notebook')
      return root?.dataset.cellucidStatus === 'ready' && Number(root.dataset.cellucidReadyAt) > then
    },
    before,
    { timeout: FIRST_PICTURE_MS },
  )
}

/** Wait for the same picture: what the page says may be a frame before what is drawn. */
async function showsAgain(page: Page, picture: Buffer): Promise<void> {
  await expect
    .poll(async () => differentPixels(page, picture, await settledPicture(viewerFrame(page).locator('canvas').first())))
    .toBeLessThan(0.01)
}
