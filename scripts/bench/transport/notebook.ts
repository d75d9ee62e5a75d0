import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { notebookJson } from '../../../test/stage/lab-stage.ts'
import { runCell } from '../../../test/stage/notebook.ts'
import { type Lab, notebookReady, openNotebook } from '../../jupyter-lab.mjs'

const SHOWN_TIMEOUT_MS = 60_000

/** What `observe` leaves on the windows. */
declare global {
  /** Of the notebook: when the newest viewer was rendered, milliseconds since the epoch. */
  var renderedAt: number
  /** Of the viewer's page: its end of the port to the widget, and the key that came over it. */
  var pagePort: MessagePort
  var pageKey: string
}

export type Shown = {
  frame: Frame
  transport: string
  /** From `render` to the first byte of the page, milliseconds. */
  firstByteMs: number
}

/** One notebook, open in JupyterLab. */
export class BenchNotebook {
  readonly page: Page
  private constructor(page: Page) {
    this.page = page
  }

  /** @param url of the notebook server, as the browser is to see it */
  static async open(
    context: BrowserContext,
    lab: Lab,
    { url, cells }: { url: string; cells: readonly string[] },
  ): Promise<BenchNotebook> {
    await lab.shutDownKernels()
    const file = `bench-${context.pages().length}.ipynb`
    writeFileSync(join(lab.folder, file), notebookJson(cells))
    const page = await context.newPage()
    await openNotebook(page, { url, token: lab.token }, file)
    await notebookReady(page)
    return new BenchNotebook(page)
  }

  /** Run one cell, by its place. @returns its printed text @throws Error with what Python said when it raised */
  async run(place: number): Promise<string> {
    return await runCell(this.page, place)
  }

  /** Run a cell that shows a viewer, and wait for its picture. */
  async show(place: number): Promise<Shown> {
    await this.run(place)
    const cell = this.page.locator('.jp-Notebook .jp-CodeCell').nth(place)
    await cell.locator('.cellucid-notebook').scrollIntoViewIfNeeded() // Browsers draw no frame that nobody sees.
    const viewer = cell.locator('.cellucid-notebook[data-cellucid-status="ready"]')
    await viewer.waitFor({ state: 'attached', timeout: SHOWN_TIMEOUT_MS })
    const frame = await (await viewer.locator('iframe').last().elementHandle())?.contentFrame()
    if (!frame) throw new Error('The viewer has no frame')
    const renderedAt = await this.page.evaluate(() => globalThis.renderedAt)
    return {
      frame,
      transport: (await viewer.getAttribute('data-cellucid-transport')) ?? 'none',
      firstByteMs: (await firstByteAt(frame)) - renderedAt,
    }
  }
}

/** Runs in every window before any other script. */
export function observe(): void {
  const { attachShadow } = Element.prototype
  Element.prototype.attachShadow = function (this: Element, options) {
    if (this.className === 'cellucid-notebook') globalThis.renderedAt = performance.timeOrigin + performance.now()
    return attachShadow.call(this, options)
  }
  addEventListener('message', ({ data, ports: [port] }) => {
    if (data?.kind !== 'connect' || port === undefined) return
    globalThis.pagePort = port
    port.addEventListener('message', (event) => {
      if (event.data?.kind === 'start') globalThis.pageKey = event.data.pageKey
    })
  })
}

/** Milliseconds since the epoch. A `srcdoc` has its bytes from the start. */
export async function firstByteAt(frame: Frame): Promise<number> {
  return await frame.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[] // of this type
    return performance.timeOrigin + (navigation?.responseStart ?? 0)
  })
}
