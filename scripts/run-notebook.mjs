// `npm start -- --headless`: one notebook, run in JupyterLab in Chromium. The last line is one JSON object.
import { mkdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { chromium } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from './chromium.mjs'
import { ROOT } from './command.mjs'
import { interruption } from './interruption.mjs'
import { notebookReady, openNotebook, startLab } from './jupyter-lab.mjs'

const READY_TIMEOUT_MS = 180_000
/** After `ready` the notebook's later cells get this long to raise; one that waits for a person never ends. */
const REST_TIMEOUT_MS = 60_000
const VIEWER = '.cellucid-notebook'

/** `main` ends the browser itself, in order. */
const OWN_SIGNALS = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }

const [, , notebook] = process.argv
const DIST = join(ROOT, 'dist')
const NAME = basename(notebook, '.ipynb')

/** Start all cells, and note when each begins (the kernel tells by `execute_input`) and whether the kernel dies. */
async function startAllCells(page) {
  await page.evaluate(() => {
    globalThis.cellStarts = []
    const { session } = globalThis.jupyterapp.shell.currentWidget.sessionContext
    session.kernel.iopubMessage.connect((_kernel, message) => {
      if (message.header.msg_type !== 'execute_input') return
      globalThis.cellStarts.push({ code: message.content.code, atMs: performance.timeOrigin + performance.now() })
    })
    globalThis.hasKernelDied = false
    session.kernel.statusChanged.connect((_kernel, status) => {
      if (status === 'dead' || status === 'autorestarting') globalThis.hasKernelDied = true
    })
    globalThis.runAll = globalThis.jupyterapp.commands.execute('notebook:run-all-cells').then(
      () => 'done',
      (error) => String(error),
    )
  })
}

/**
 * Wait until something decides the run.
 * @returns {Promise<{kind: 'ready'}>}
 * @throws {Error} in one sentence: a cell raised, the kernel died, the viewer shows a card, or nothing came in time
 */
async function viewerReady(page) {
  const outcome = await page.waitForFunction(decide, VIEWER, { timeout: READY_TIMEOUT_MS, polling: 100 }).then(
    (handle) => handle.jsonValue(),
    (error) => ({ failure: timeoutSentence(error) }),
  )
  if (outcome.failure) throw new Error(outcome.failure)
}

function timeoutSentence(error) {
  if (error.name !== 'TimeoutError') return error.message
  return `No viewer was ready ${READY_TIMEOUT_MS / 1000} s after the cells were started.`
}

/** Runs in the page. Null while nothing is decided. */
function decide(selector) {
  const { content, sessionContext } = globalThis.jupyterapp.shell.currentWidget
  if (globalThis.hasKernelDied) return { failure: 'The kernel died.' }
  const cells = [...content.model.cells]
  for (const cell of cells) {
    const error = cell.outputs?.toJSON().find((output) => output.output_type === 'error')
    if (error) return { failure: `Cell [${cell.executionCount}] raised ${error.ename}: ${error.evalue}` }
  }
  const viewers = [...document.querySelectorAll(selector)]
  if (viewers.some((viewer) => viewer.dataset.cellucidStatus === 'ready')) return { failure: null }
  const card = viewers.find((viewer) => viewer.dataset.cellucidStatus === 'card')
  if (card) return { failure: `The viewer shows a card: ${card.dataset.cellucidReason}` }
  const isIdle = sessionContext.session?.kernel?.status === 'idle'
  const hasEnded = isIdle && cells.every((cell) => cell.type !== 'code' || cell.executionState === 'idle')
  if (!hasEnded || viewers.length > 0) return null
  const hasView = cells.some((cell) =>
    cell.outputs?.toJSON().some((output) => output.data?.['application/vnd.jupyter.widget-view+json']),
  )
  return hasView ? null : { failure: 'The notebook ran to its end and showed no viewer.' }
}

/** What the viewer says of itself, and how long its cell took to the first picture. */
async function measure(page) {
  return page.evaluate((selector) => {
    const viewer = document.querySelector(`${selector}[data-cellucid-status="ready"]`)
    const { widgets } = globalThis.jupyterapp.shell.currentWidget.content
    const code = widgets.find((cell) => cell.node.contains(viewer))?.model.sharedModel.getSource()
    const startMs = globalThis.cellStarts.findLast((start) => start.code === code)?.atMs
    return {
      cells: Number(viewer.dataset.cellucidCells),
      transport: viewer.dataset.cellucidTransport,
      firstPictureMs: startMs === undefined ? null : Math.round(Number(viewer.dataset.cellucidReadyAt) - startMs),
    }
  }, VIEWER)
}

/** @throws {Error} when a later cell raises in time */
async function restOfNotebook(page) {
  const late = new Promise((done) => setTimeout(done, REST_TIMEOUT_MS).unref())
  await Promise.race([page.evaluate(() => globalThis.runAll), late])
  const outcome = await page.evaluate(decide, VIEWER)
  if (outcome?.failure) throw new Error(outcome.failure)
}

async function photograph(page, file) {
  await page.evaluate(() => globalThis.jupyterapp.commands.execute('application:toggle-left-area'))
  await page.locator(VIEWER).first().scrollIntoViewIfNeeded()
  await page.screenshot({ path: file })
}

async function runNotebook(lab, browser) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 960 } })
  await openNotebook(page, lab, basename(notebook))
  await notebookReady(page)
  await startAllCells(page)
  await viewerReady(page)
  const measured = await measure(page)
  await restOfNotebook(page)
  const screenshot = join(DIST, `${NAME}.png`)
  await photograph(page, screenshot)
  return { ...measured, screenshot: relative(ROOT, screenshot) }
}

async function failure(interrupted) {
  throw new Error(`Interrupted by ${await interrupted}.`)
}

/** Start both, run, and end both whatever happens. */
async function main() {
  const interrupted = interruption()
  mkdirSync(DIST, { recursive: true })
  const lab = await startLab({ folder: dirname(notebook), logFile: join(DIST, `${NAME}.log`), autosave: false })
  try {
    const executablePath = findChromium() ?? undefined
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS, ...OWN_SIGNALS })
    try {
      return await Promise.race([runNotebook(lab, browser), failure(interrupted)])
    } finally {
      await browser.close()
    }
  } finally {
    await lab.stop()
  }
}

try {
  console.log(JSON.stringify(await main()))
} catch (error) {
  console.error(`start: ${error.message}`)
  process.exitCode = 1
}
