import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { TIED_TO_US } from '../../scripts/command.mjs'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { matrixPackages } from '../../scripts/matrix-packages.mjs'
import { printedJson } from './front-ends.ts'
import { launchBrowser } from './lab-stage.ts'
import { doorSource } from './marimo-stage.ts'
import type { OpenNotebook } from './notebook.ts'
import { REQUIRE_JS, SOLARA_PAGE, unpackedPackage } from './packed-package.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const START_TIMEOUT_MS = 60_000

/** A program that shows widgets in a web page of its own, without notebook and kernel. */
export type AppProgram = {
  /** @param host as the browser sees it, with the port */
  command(file: string, port: number, host: string): readonly string[]
  /** Of the application in a file of this name. */
  path(name: string): string
  /** Shows `viewer` and `text`, of which `run_cells()` gives a new pair. */
  page: string
}

/** By its bridge of ipywidgets, ipywidgets_bokeh. */
export const PANEL: AppProgram = {
  command: (file, port, host) => [
    ...['panel', 'serve', file, '--address', '127.0.0.1', '--port', String(port), '--allow-websocket-origin', host],
  ],
  path: (name) => name,
  page: `import panel as pn
pn.extension("ipywidgets")
viewer, text = run_cells()
pn.Column(pn.panel(viewer), pn.pane.Str(text), sizing_mode="stretch_width").servable()`,
}

export const SOLARA: AppProgram = {
  command: (file, port) => ['solara', 'run', file, '--host=127.0.0.1', `--port=${port}`, '--no-open', '--production'],
  path: () => '',
  page: `import solara
@solara.component
def Page():
    viewer, text = solara.use_memo(run_cells, [])
    solara.display(viewer)
    solara.Text(text)`,
}

export type AppStage = {
  page: Page
  notebook: OpenNotebook
  folder: string
  stop(): Promise<void>
}

/**
 * A real server of such a program.
 * @param source of the application; without one it runs the cells and shows their viewer
 */
export async function startAppStage(
  name: string,
  program: AppProgram,
  { cells = [], source, hostName = '127.0.0.1' }: { cells?: readonly string[]; source?: string; hostName?: string },
): Promise<AppStage> {
  const folder = resolve(ROOT, 'dist/e2e', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'app-'))
  const [port, door] = [await freePort(), await freePort()]
  writeFileSync(join(work, 'app.py'), source ?? `${runCellsSource([...cells, doorSource(door)])}\n${program.page}`)
  const host = `${hostName}:${port}`
  const child = start(program.command('app.py', port, host), work, join(folder, 'app.log'))
  let browser: Browser | null = null
  const stop = async () => {
    await browser?.close()
    await end(child)
    rmSync(work, { recursive: true, force: true })
  }
  try {
    await answering(`http://127.0.0.1:${port}/${program.path('app')}`, child)
    browser = await launchBrowser(['--host-resolver-rules=MAP *.example.test 127.0.0.1'])
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    const page = await context.newPage()
    await serveFromPackages(page)
    return { page, notebook: drive(page, `http://${host}/${program.path('app')}`, door), folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The cells of a notebook, run for each visitor: `run_cells()` gives their viewer, and what they printed. */
function runCellsSource(cells: readonly string[]): string {
  return `import contextlib, io
def run_cells():
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in ${JSON.stringify(cells)}:
            exec(cell, names)
    return names["viewer"], printed.getvalue()`
}

function start(command: readonly string[], folder: string, logFile: string): ChildProcess {
  const [program = '', ...programArguments] = [...TIED_TO_US, join(ROOT, '.venv/bin/python'), '-m', ...command]
  const packages = matrixPackages()
  const child = spawn(program, programArguments, {
    cwd: folder,
    env: {
      ...process.env,
      PYTHONPATH: packages,
      JUPYTER_PATH: join(packages, 'share/jupyter'),
      JUPYTER_CONFIG_PATH: join(packages, 'etc/jupyter'),
      HOME: folder,
      SOLARA_TELEMETRY_MIXPANEL_ENABLE: 'False',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that its end reaches the viewer server too
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  return child
}

/** Such pages load code from public servers; here the same files come from packages, and icons not at all. */
async function serveFromPackages(page: Page): Promise<void> {
  const fromPackage = (path: string): string | null => {
    if (/\/anywidget@[^/]+\/dist\/index(\.js)?$/.test(path)) {
      return join(ROOT, '.venv/share/jupyter/nbextensions/anywidget/index.js')
    }
    const [, solaraFile] = /^\/_solara\/cdn\/@widgetti\/solara-vuetify3-app@[^/]+\/(.+)$/.exec(path) ?? []
    if (solaraFile !== undefined) return join(unpackedPackage(SOLARA_PAGE), solaraFile)
    return /^\/_solara\/cdn\/requirejs@/.test(path) ? join(unpackedPackage(REQUIRE_JS), 'require.js') : null
  }
  const isElsewhere = ({ hostname, pathname }: URL) =>
    pathname.startsWith('/_solara/cdn/') || !/^127\.0\.0\.1$|\.example\.test$/.test(hostname)
  await page.route(isElsewhere, async (route) => {
    const path = fromPackage(new URL(route.request().url()).pathname)
    if (path === null || !existsSync(path)) await route.abort()
    else await route.fulfill({ path, headers: { 'access-control-allow-origin': '*' } })
  })
}

function drive(page: Page, url: string, door: number): OpenNotebook {
  return {
    outputs: page,
    startsAnew: true,
    async run(index) {
      if (index > 0) return await printedJson(page)
      await page.goto(url, { waitUntil: 'commit' })
      return ''
    },
    async execute(source) {
      const answer = await fetch(`http://127.0.0.1:${door}/`, { method: 'POST', body: source })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`The cell raised ${text}`)
      return text
    },
    async reload() {
      await page.reload({ waitUntil: 'commit' })
    },
  }
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  while (child.exitCode === null && !deadline.aborted) {
    const response = await fetch(url, { method: 'HEAD', signal: deadline }).catch(() => null)
    if (response !== null) return
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`The application did not answer at ${url} (exit code ${child.exitCode})`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
