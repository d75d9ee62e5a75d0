import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type LabStage, startLabStage } from '../../stage/lab-stage.ts'
import { inNotebook, runCell, viewerFrame, viewerReady, viewerRoot } from '../../stage/notebook.ts'
import { differentPixels, settledPicture } from '../../stage/picture.ts'
import { chooseGene, lasso, shows } from '../gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../scenario.ts'

type Act = (page: Page) => Promise<unknown>

/** What a notebook does to an output and undoes again; each takes the frame's node out of the page, hides or resizes it. */
const ROWS: { title: string; away: Act; back: Act }[] = [
  {
    title: 'one output is collapsed',
    away: menu('notebook:hide-cell-outputs'),
    back: menu('notebook:show-cell-outputs'),
  },
  {
    title: 'all outputs are collapsed',
    away: menu('notebook:hide-all-cell-outputs'),
    back: menu('notebook:show-all-cell-outputs'),
  },
  {
    title: 'the output scrolls',
    away: menu('notebook:enable-output-scrolling'),
    back: menu('notebook:disable-output-scrolling'),
  },
  { title: 'the cell is moved', away: menu('notebook:move-cell-down'), back: menu('notebook:move-cell-up') },
  {
    title: 'the cell is copied, and the copy deleted',
    away: menu('notebook:copy-cell', 'notebook:paste-cell-below'),
    back: menu('notebook:delete-cell'),
  },
  {
    title: 'only the notebook is on screen, and then all again',
    away: menu('application:toggle-presentation-mode'),
    back: menu('application:toggle-presentation-mode'),
  },
  {
    title: 'one document at a time is on screen, and then all again',
    away: menu('application:toggle-mode'),
    back: menu('application:toggle-mode'),
  },
  {
    title: 'the side panel is closed and opened',
    away: menu('application:toggle-left-area'),
    back: menu('application:toggle-left-area'),
  },
  { title: 'the notebook stands in the side panel for a moment', away: toTheSide, back: toTheMiddle },
]

const ENVIRONMENTS = [
  { name: 'folding-proxy', title: 'by proxy', transport: 'same-origin-proxy', options: {} },
  { name: 'folding-direct', title: 'directly', transport: 'direct', options: { serverProxy: false } },
  {
    name: 'folding-tunnel',
    title: 'through the notebook',
    transport: 'tunnel',
    options: { serverProxy: false, hostName: 'lab.example.test' },
  },
] as const

describe.each(ENVIRONMENTS)('$title', ({ name, options, transport }) => {
  let stage: LabStage
  let page: Page
  let selected: number
  let picture: Buffer
  beforeAll(async () => {
    stage = await startLabStage(name, options)
    page = await stage.open(SCENARIO_CELLS)
    await runCell(page, 0)
    expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
    await chooseGene(viewerFrame(page), 'CD3D')
    selected = await lasso(viewerFrame(page))
    const before = await shown()
    await viewerFrame(page).locator('canvas').first().press('+')
    // The camera moves in its own time.
    let last = before
    await vi.waitFor(
      async () => {
        const [previous, now] = [last, await shown()]
        last = now
        if (!now.equals(previous) || now.equals(before)) throw new Error('The camera has not come to rest.')
      },
      { timeout: 20_000 },
    )
    picture = last
    await page.evaluate(watchForLies)
  }, 180_000)
  afterEach(({ task }) => stage.photograph(page, task.name.replaceAll(/\W+/g, '-')))
  afterAll(async () => stage?.stop(), 60_000)

  /** The settled picture, without a tooltip, and without the ring of the focus. */
  async function shown(): Promise<Buffer> {
    await page.mouse.move(5, 5)
    const canvas = viewerFrame(page).locator('canvas').first()
    await canvas.blur()
    return settledPicture(canvas)
  }

  test.each(ROWS)(
    'the same picture is there after $title',
    async ({ away, back }) => {
      await away(page)
      await back(page)
      const backAt = Date.now()
      await expect.poll(() => isReadyWithPicture(page)).toBe(true)
      console.log(`${name}: ready ${Date.now() - backAt} ms after it came back`)
      await viewerRoot(page).scrollIntoViewIfNeeded()
      await shows(viewerFrame(page), 'color', 'CD3D')
      await shows(viewerFrame(page), 'selected', String(selected))
      await expect.poll(async () => differentPixels(page, picture, await shown())).toBeLessThan(0.01)
      expect(await page.evaluate(() => window.lies)).toEqual([])
    },
    120_000,
  )
})

/** The widget says ready, and its frame holds a page: an emptied frame has no root that says so. */
async function isReadyWithPicture(page: Page): Promise<boolean> {
  if ((await viewerRoot(page).getAttribute('data-cellucid-status')) !== 'ready') return false
  return (await viewerFrame(page).locator('html[data-ready="true"]').count()) === 1
}

declare global {
  interface Window {
    /** When a viewer on screen said that it is ready, and its frame was an empty one. */
    lies: number[]
  }
}

/** Look before each painting: a frame that was put in anew has another window than the one that was ready. */
function watchForLies(): void {
  window.lies = []
  const readyWindows = new WeakMap<Element, Window | null>()
  const look = () => {
    for (const root of document.querySelectorAll<HTMLElement>('.cellucid-notebook')) {
      const now = root.shadowRoot?.querySelector<HTMLIFrameElement>('iframe.drawn')?.contentWindow ?? null
      const known = readyWindows.get(root)
      if (root.dataset.cellucidStatus !== 'ready') readyWindows.delete(root)
      else if (known === undefined) readyWindows.set(root, now)
      else if (known !== now && root.getClientRects().length > 0) window.lies.push(performance.now())
    }
    requestAnimationFrame(look)
  }
  look()
}

function menu(...commands: string[]): Act {
  return async (page) => {
    for (const command of commands) await inNotebook(page, command)
  }
}

async function toTheSide(page: Page): Promise<void> {
  await place(page, 'right')
}

async function toTheMiddle(page: Page): Promise<void> {
  await place(page, 'main')
}

/** Put the notebook into another part of JupyterLab, as its user does by its tab. */
async function place(page: Page, area: 'main' | 'right'): Promise<void> {
  await page.evaluate((name) => {
    const { shell } = window.jupyterapp
    const [notebook] = [...shell.widgets('main'), ...shell.widgets('right')].filter(({ context }) => context)
    if (notebook === undefined) throw new Error('there is no notebook')
    shell.add(notebook, name)
    shell.activateById(notebook.id)
  }, area)
}
