import type { Page } from 'playwright-core'
import { type Lab, openNotebook } from '../../scripts/jupyter-lab.mjs'
import { executeInKernel } from './kernel-channel.ts'
import { type CellOutput, labNotebook, notebookReady, type OpenNotebook, printed } from './notebook.ts'

/** A program that shows notebooks of one Jupyter server. */
export type FrontEnd = {
  /** Show the file in the page and wait until its kernel answers. */
  open(page: Page, lab: Lab, file: string): Promise<void>
  /** The notebook that {@link open} opened. */
  drive(page: Page, lab: Lab, file: string): OpenNotebook
}

export const JUPYTER_LAB: FrontEnd = {
  async open(page, lab, file) {
    await openNotebook(page, lab, file)
    await notebookReady(page)
  },
  drive: labNotebook,
}

/** Built of the same parts as JupyterLab, with another shell. */
export const NOTEBOOK_7: FrontEnd = {
  async open(page, lab, file) {
    await page.goto(`${lab.url}notebooks/${encodeURIComponent(file)}?token=${lab.token}`)
    await notebookReady(page)
  },
  drive: labNotebook,
}

/** What these functions use of nbclassic's page. */
type ClassicCell = {
  execute(): void
  set_text(source: string): void
  output_area: { toJSON(): CellOutput[] }
}
type ClassicNotebook = {
  _fully_loaded: boolean
  /** `widget_manager` comes with the extension of ipywidgets, some time after the page. */
  kernel: { is_connected(): boolean; widget_manager?: object } | null
  get_cell(index: number): ClassicCell
  ncells(): number
  insert_cell_at_bottom(type: 'code'): ClassicCell
  save_notebook(): Promise<void>
  events: {
    on(name: string, callback: (event: unknown, data: { cell: ClassicCell }) => void): void
    off(name: string, callback: (event: unknown, data: { cell: ClassicCell }) => void): void
  }
}
declare global {
  interface Window {
    Jupyter: { notebook: ClassicNotebook }
  }
}

export const NBCLASSIC: FrontEnd = {
  async open(page, lab, file) {
    await page.goto(`${lab.url}nbclassic/notebooks/${encodeURIComponent(file)}?token=${lab.token}`)
    await classicReady(page)
  },
  drive: (page) => ({
    outputs: page,
    run: (index) => runClassicCell(page, index),
    async execute(source) {
      const index = await page.evaluate((text) => {
        const { notebook } = window.Jupyter
        notebook.insert_cell_at_bottom('code').set_text(text)
        return notebook.ncells() - 1
      }, source)
      return runClassicCell(page, index)
    },
    async reload() {
      await page.evaluate(() => window.Jupyter.notebook.save_notebook())
      await page.reload()
      await classicReady(page)
    },
  }),
}

/** It runs every cell whenever its page is loaded, shows what they show, and leaves no way to run more. */
export const VOILA: FrontEnd = {
  async open() {
    // Loading the page is what runs the first cell.
  },
  drive: (page, lab, file) => ({
    outputs: page,
    startsAnew: true,
    async run(index) {
      if (index > 0) return await printedJson(page)
      // Its page has loaded when the last cell has run.
      const url = `${lab.url}voila/render/${encodeURIComponent(file)}?token=${lab.token}`
      await page.goto(url, { waitUntil: 'commit' })
      return ''
    },
    execute: async (source) => printed(await executeInKernel(lab, source)),
    async reload() {
      await page.reload({ waitUntil: 'commit' })
    },
  }),
}

/** The list that the second cell of the scenario prints, as it stands on the page. */
export async function printedJson(page: Page): Promise<string> {
  return (
    (await page
      .getByText(/^\s*\["#/)
      .first()
      .textContent({ timeout: 30_000 })) ?? ''
  )
}

async function classicReady(page: Page): Promise<void> {
  const isReady = () => {
    const notebook = window.Jupyter?.notebook
    const kernel = notebook?.kernel
    return notebook?._fully_loaded === true && kernel?.is_connected() === true && kernel.widget_manager !== undefined
  }
  await page.waitForFunction(isReady, undefined, { timeout: 60_000 })
}

async function runClassicCell(page: Page, index: number): Promise<string> {
  const outputs = await page.evaluate(async (place) => {
    const { notebook } = window.Jupyter
    const cell = notebook.get_cell(place)
    await new Promise<void>((ended) => {
      const listen = (_: unknown, data: { cell: ClassicCell }) => {
        if (data.cell !== cell) return
        notebook.events.off('finished_execute.CodeCell', listen)
        ended()
      }
      notebook.events.on('finished_execute.CodeCell', listen)
      cell.execute()
    })
    // The reply may overtake what the cell printed last.
    await new Promise((settled) => setTimeout(settled, 300))
    return cell.output_area.toJSON()
  }, index)
  return printed(outputs)
}
