import type { FrameLocator, Locator, Page } from 'playwright-core'

/** What these functions use of the JupyterLab application that `expose_app_in_browser` puts on the window. */
type Cell = {
  type: string
  executionCount: number | null
  outputs?: { toJSON(): CellOutput[] }
}
type NotebookPanel = {
  id: string
  context: { save(): Promise<void>; ready: Promise<void>; path: string }
  content: {
    model: { cells: { get(index: number): Cell; length: number } }
    activeCellIndex: number
    deselectAll(): void
    scrollToItem(index: number, align: 'start'): Promise<void>
  }
  sessionContext: {
    ready: Promise<void>
    session: {
      kernel: { info: Promise<unknown>; status: string; interrupt(): Promise<void>; restart(): Promise<void> }
    }
  }
}
type JupyterApp = {
  restored: Promise<void>
  shell: {
    currentWidget: NotebookPanel
    widgets(area: string): Iterable<NotebookPanel>
    add(widget: NotebookPanel, area: string): void
    activateById(id: string): void
  }
  commands: { execute(name: string): Promise<unknown> }
}
declare global {
  interface Window {
    jupyterapp: JupyterApp
  }
}

export type CellOutput = {
  output_type: string
  text?: string | string[]
  ename?: string
  evalue?: string
  traceback?: string[]
  data?: Record<string, unknown>
}

/** Where locators start: a page, or a frame in one. */
export type Place = Pick<Page, 'getByRole'> & { locator(selector: string): Locator }

/** A notebook that stands open in a browser, its kernel ready, whatever front end shows it. */
export interface OpenNotebook {
  /** Where the outputs of its cells stand. */
  readonly outputs: Place
  /** Run one of its cells, by its place. @returns its printed text @throws when the cell raised, with the Python error */
  run(index: number): Promise<string>
  /** Run source that is not in the notebook yet. @returns its printed text @throws as `run` does */
  execute(source: string): Promise<string>
  /** Save, load the page again as a person would, and wait until the kernel is connected. */
  reload(): Promise<void>
  /** A page that is loaded again gets another kernel, which knows nothing of what was selected. */
  readonly startsAnew?: boolean
}

/** JupyterLab, Notebook 7, JupyterHub: whatever puts JupyterLab's application on the window. */
export function labNotebook(page: Page): OpenNotebook {
  return {
    outputs: page,
    run: (index) => runCell(page, index),
    execute: (source) => runSource(page, source),
    async reload() {
      await saveNotebook(page)
      await page.reload()
      await notebookReady(page)
    },
  }
}

/** Wait until the notebook that is open in this JupyterLab page has a kernel that answers. */
export async function notebookReady(page: Page): Promise<void> {
  await page.waitForFunction(() => window.jupyterapp !== undefined)
  await page.evaluate(async () => {
    await window.jupyterapp.restored
  })
  await page.waitForFunction(() => window.jupyterapp.shell.currentWidget?.sessionContext !== undefined)
  await page.evaluate(async () => {
    const { context, sessionContext } = window.jupyterapp.shell.currentWidget
    await context.ready
    await sessionContext.ready
    await sessionContext.session.kernel.info
  })
}

/** Run every cell without waiting for any. */
export async function startAllCells(page: Page): Promise<void> {
  await page.evaluate(() => void window.jupyterapp.commands.execute('notebook:run-all-cells'))
}

/**
 * Run one cell, by its place in the notebook, and wait until it ended.
 * @returns its printed text
 * @throws when the cell raised, with the Python error
 */
export async function runCell(page: Page, index: number): Promise<string> {
  await page.evaluate(async (place) => {
    const { content } = window.jupyterapp.shell.currentWidget
    content.deselectAll()
    content.activeCellIndex = place
    await window.jupyterapp.commands.execute('notebook:run-cell')
  }, index)
  return printed(await cellOutputs(page, index))
}

/** As its user does with a cell that takes too long. */
export async function interruptKernel(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()
  })
}

/** Put source into a new cell at the notebook's end, run it, and return what it printed. */
export async function runSource(page: Page, source: string): Promise<string> {
  const index = await page.evaluate(async (text) => {
    const { content } = window.jupyterapp.shell.currentWidget
    content.deselectAll()
    content.activeCellIndex = content.model.cells.length - 1
    await window.jupyterapp.commands.execute('notebook:insert-cell-below')
    const cell = content.model.cells.get(content.activeCellIndex) as unknown as {
      sharedModel: { setSource(text: string): void }
    }
    cell.sharedModel.setSource(text)
    return content.activeCellIndex
  }, source)
  return runCell(page, index)
}

export async function cellOutputs(page: Page, index: number): Promise<CellOutput[]> {
  return page.evaluate((place) => {
    const cell = window.jupyterapp.shell.currentWidget.content.model.cells.get(place)
    return cell.outputs?.toJSON() ?? []
  }, index)
}

export function printed(outputs: readonly CellOutput[]): string {
  const error = outputs.find((output) => output.output_type === 'error')
  if (error !== undefined)
    throw new Error(`The cell raised ${error.ename}: ${error.evalue}\n${error.traceback?.join('\n')}`)
  return outputs
    .filter((output) => output.output_type === 'stream')
    .map((output) => [output.text ?? ''].flat().join(''))
    .join('')
}

export async function saveNotebook(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await window.jupyterapp.shell.currentWidget.context.save()
  })
}

/** The widget's own element of the n-th viewer; its data attributes tell its state. */
export function viewerRoot(outputs: Place, nth = 0): Locator {
  return outputs.locator('.cellucid-notebook').nth(nth)
}

/** The page inside the n-th viewer. While one frame replaces another, the newer is the last. */
export function viewerFrame(outputs: Place, nth = 0): FrameLocator {
  return viewerRoot(outputs, nth).locator('iframe').last().contentFrame()
}

/** Wait until the viewer says `ready`. @throws after the timeout with what the viewer shows instead */
export async function viewerReady(
  outputs: Place,
  timeoutMs: number,
  nth = 0,
): Promise<{ cells: number; transport: string }> {
  const root = viewerRoot(outputs, nth)
  const ready = outputs.locator('.cellucid-notebook[data-cellucid-status="ready"]').nth(nth)
  try {
    await ready.waitFor({ state: 'attached', timeout: timeoutMs })
  } catch (cause) {
    const said = await root.locator('.notice, .card').allTextContents()
    const reason = (await root.count()) === 0 ? null : await root.getAttribute('data-cellucid-reason')
    if (reason !== null) said.push(reason)
    const shown =
      (await root.count()) === 0 ? 'no widget' : `${await root.getAttribute('data-cellucid-status')}: ${said.join(' ')}`
    throw new Error(`The viewer was not ready in ${timeoutMs} ms; it shows ${shown}`, { cause })
  }
  return {
    cells: Number(await root.getAttribute('data-cellucid-cells')),
    transport: (await root.getAttribute('data-cellucid-transport')) ?? 'none',
  }
}

/** A command of the notebook's menu, for the cell that shows the viewer. */
export async function inNotebook(page: Page, command: string): Promise<void> {
  await page.evaluate(async (name) => {
    const { content } = window.jupyterapp.shell.currentWidget
    content.deselectAll()
    await window.jupyterapp.commands.execute(name)
  }, command)
}
