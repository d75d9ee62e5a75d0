import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { TIED_TO_US } from '../../scripts/command.mjs'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { matrixPackages } from '../../scripts/matrix-packages.mjs'
import { printedJson } from './front-ends.ts'
import { launchBrowser } from './lab-stage.ts'
import type { OpenNotebook } from './notebook.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const START_TIMEOUT_MS = 60_000

export type MarimoStage = {
  notebook: OpenNotebook
  page: Page
  folder: string
  stop(): Promise<void>
}

/** A real marimo editor on a notebook of these cells, whose first run is a run of all. */
export async function startMarimoStage(name: string, cells: readonly string[]): Promise<MarimoStage> {
  const folder = resolve(ROOT, 'dist/e2e', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'marimo-'))
  const [port, door] = [await freePort(), await freePort()]
  writeFileSync(join(work, 'notebook.py'), marimoSource([...cells, doorSource(door)]))
  const child = startEditor(work, port, join(folder, 'marimo.log'))
  let browser: Browser | null = null
  const stop = async () => {
    await browser?.close()
    await end(child)
    rmSync(work, { recursive: true, force: true })
  }
  try {
    const url = `http://127.0.0.1:${port}/`
    await answering(`${url}health`, child)
    browser = await launchBrowser()
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    const page = await context.newPage()
    await page.goto(url)
    await page.getByText('show_anndata(').first().waitFor()
    return { notebook: drive(page, door), page, folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function startEditor(folder: string, port: number, logFile: string): ChildProcess {
  const options = ['--headless', '--no-token', '--skip-update-check', '--host', '127.0.0.1', '--port', String(port)]
  const command = [...TIED_TO_US, join(ROOT, '.venv/bin/python'), '-m', 'marimo', 'edit', 'notebook.py', ...options]
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: matrixPackages(), XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that its end reaches the kernels too
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  return child
}

function drive(page: Page, door: number): OpenNotebook {
  return {
    outputs: page,
    async run(index) {
      if (index > 0) return await printedJson(page)
      // "Run all stale cells", below the buttons of the cells themselves; it is off until the kernel is connected.
      await page.getByTestId('run-button').last().click()
      return ''
    },
    async execute(source) {
      const answer = await fetch(`http://127.0.0.1:${door}/`, { method: 'POST', body: source })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`The cell raised ${text}`)
      return text
    },
    async reload() {
      await page.reload()
    },
  }
}

/** A notebook in marimo's format: Python, a function a cell. */
function marimoSource(cells: readonly string[]): string {
  const functions = cells.map((source) => `@app.cell\ndef _():\n${source.replaceAll(/^(?=.)/gm, '    ')}\n    return\n`)
  return `import marimo\n\napp = marimo.App()\n\n${functions.join('\n')}`
}

/** A cell through which the test runs source beside the notebook: marimo's own way is to type it into its editor. */
export function doorSource(port: number): string {
  return `import contextlib, http.server, io, traceback
import threading as threads
names = globals()
class Door(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        source, printed, status = self.rfile.read(int(self.headers["Content-Length"])).decode(), io.StringIO(), 200
        try:
            with contextlib.redirect_stdout(printed):
                exec(source, names)
        except BaseException:
            printed, status = io.StringIO(traceback.format_exc()), 500
        self.send_response(status)
        self.end_headers()
        self.wfile.write(printed.getvalue().encode())
with contextlib.suppress(OSError):  # where a page that is loaded again runs all anew, the door stays with the first
    server = http.server.ThreadingHTTPServer(("127.0.0.1", ${port}), Door)
    threads.Thread(target=server.serve_forever, daemon=True).start()`
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  while (child.exitCode === null && !deadline.aborted) {
    const response = await fetch(url, { signal: deadline }).catch(() => null)
    if (response?.ok === true) return
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`marimo did not answer at ${url} (exit code ${child.exitCode})`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
