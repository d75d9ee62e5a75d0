import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT, TIED_TO_US } from './command.mjs'

export { CHROMIUM_ARGUMENTS, findChromium } from './chromium.mjs'

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000
const KERNEL_TIMEOUT_MS = 60_000

/** No question about news over the notebook, which would stand in every picture. */
const LAB_SETTINGS = {
  '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false, doNotDisturbMode: true },
}

/**
 * @typedef {object} Lab a running JupyterLab
 * @property {string} url its base, with a trailing slash
 * @property {string} token
 * @property {string} folder root of its files
 * @property {number} pid
 * @property {() => Promise<void>} shutDownKernels kernels outlive pages: end all of them
 * @property {Promise<void>} ended resolves when the server is gone
 * @property {() => Promise<void>} stop
 */

/**
 * Start JupyterLab on loopback, with configuration and runtime folders of its own.
 * @param {object} options
 * @param {string} options.folder root of the files it shows
 * @param {string} [options.baseUrl] such as `/user/alice/`
 * @param {boolean} [options.serverProxy] false: without jupyter-server-proxy
 * @param {boolean} [options.serverExtension] false: without our own extension of the notebook server
 * @param {string[]} [options.labArguments]
 * @param {Record<string, string>} [options.environment] added to this process's own
 * @param {string} options.logFile what it and its kernels say
 * @param {boolean} [options.autosave] false: notebooks stay as they are on disk
 * @param {string} [options.ownFolder] configuration and runtime files; a temporary folder when absent
 * @param {number} [options.port] a free one when absent
 * @param {readonly string[]} [options.program] of another environment than the project's
 * @param {readonly string[]} [options.within] a program and its arguments that the command is given to, such as `nice`
 * @returns {Promise<Lab>}
 */
export async function startLab(options) {
  const { folder, baseUrl = '/', labArguments = [], environment = {}, logFile } = options
  const own = options.ownFolder ?? mkdtempSync(join(tmpdir(), 'lab-'))
  const port = options.port ?? (await freePort())
  const token = randomBytes(24).toString('hex')
  if (options.autosave === false) setAutosave(own, false)
  mkdirSync(dirname(logFile), { recursive: true })
  mkdirSync(join(own, 'config/labconfig'), { recursive: true })
  writeFileSync(join(own, 'config/labconfig/default_setting_overrides.json'), JSON.stringify(LAB_SETTINGS))
  const log = createWriteStream(logFile)
  const jupyterLab = options.program ?? [join(ROOT, '.venv/bin/jupyter-lab')]
  const [program, ...programArguments] = [...TIED_TO_US, ...(options.within ?? []), ...jupyterLab]
  const child = spawn(
    program,
    [
      ...programArguments,
      '--no-browser',
      '--ServerApp.ip=127.0.0.1',
      `--ServerApp.port=${port}`,
      '--ServerApp.port_retries=0',
      `--ServerApp.base_url=${baseUrl}`,
      `--ServerApp.root_dir=${folder}`,
      '--LabApp.news_url=None',
      '--LabApp.expose_app_in_browser=True',
      '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
      ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
      ...switchedOff(options),
      ...labArguments,
    ],
    {
      cwd: folder,
      detached: true, // a group of its own, so that `stop` reaches the kernels too
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        JUPYTER_CONFIG_DIR: join(own, 'config'),
        JUPYTER_DATA_DIR: join(own, 'data'),
        JUPYTER_RUNTIME_DIR: join(own, 'runtime'),
        IPYTHONDIR: join(own, 'ipython'),
        JUPYTER_TOKEN: token, // not in argv, which every user of the machine can read
        ...environment,
      },
    },
  )
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const url = `http://127.0.0.1:${port}${baseUrl}`
  const ended = new Promise((done) => child.once('exit', () => done()))
  const stop = () => stopLab(child, options.ownFolder === undefined ? own : null)
  try {
    await answering(`${url}api/status?token=${token}`, child, logFile)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, token, folder, pid: child.pid ?? -1, shutDownKernels: () => shutDownKernels(url, token), ended, stop }
}

/**
 * @param {{serverProxy?: boolean, serverExtension?: boolean}} options what is false is left out
 * @returns {string[]} arguments of a Jupyter server
 */
export function switchedOff({ serverProxy = true, serverExtension = true }) {
  const off = [...(serverProxy ? [] : ['jupyter_server_proxy']), ...(serverExtension ? [] : ['cellucid_notebook_door'])]
  const setting = off.map((name) => `'${name}': False`).join(', ')
  return off.length === 0 ? [] : [`--ServerApp.jpserver_extensions={${setting}}`]
}

/**
 * Open a notebook in a workspace of its own, or JupyterLab restores the tabs of the last one.
 * @param {import('playwright-core').Page} page
 * @param {Pick<Lab, 'url' | 'token'>} lab
 * @param {string} path relative to the root of its files
 */
export async function openNotebook(page, lab, path) {
  const workspace = `w${randomBytes(4).toString('hex')}`
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  await page.goto(`${lab.url}lab/workspaces/${workspace}/tree/${encoded}?token=${lab.token}`)
}

/**
 * Wait until the notebook that is open in this JupyterLab page has a kernel that answers.
 * @param {import('playwright-core').Page} page
 * @throws {Error} when there is none in time, or JupyterLab asks in a dialog, as for a kernel it does not have
 */
export async function notebookReady(page) {
  const timeout = KERNEL_TIMEOUT_MS
  try {
    await page.waitForFunction(() => globalThis.jupyterapp !== undefined, undefined, { timeout })
    await page.evaluate(async () => await globalThis.jupyterapp.restored)
    const state = await page.waitForFunction(kernelState, undefined, { timeout })
    const question = (await state.jsonValue()).question
    if (question !== undefined) throw new Error(`The notebook has no kernel; JupyterLab asks: ${question}`)
  } catch (cause) {
    if (cause.name !== 'TimeoutError') throw cause
    throw new Error(`The notebook had no kernel that answers after ${timeout / 1000} s.`, { cause })
  }
}

/** Runs in the page, and must be synchronous: a promise would pass for true. */
function kernelState() {
  const dialog = document.querySelector('.jp-Dialog-content')
  if (dialog) return { question: (dialog.querySelector('label') ?? dialog).textContent.trim() }
  const panel = globalThis.jupyterapp.shell.currentWidget
  if (!panel?.sessionContext?.isReady || !panel.context.isReady) return null
  return panel.sessionContext.session?.kernel?.status === 'idle' ? {} : null
}

/** JupyterLab saves every two minutes unless its settings say otherwise. */
function setAutosave(ownFolder, autosave) {
  const file = join(ownFolder, 'config/lab/user-settings/@jupyterlab/docmanager-extension/plugin.jupyterlab-settings')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ autosave }))
}

async function shutDownKernels(url, token) {
  const headers = { authorization: `token ${token}` }
  const kernels = await (await fetch(`${url}api/kernels`, { headers })).json()
  await Promise.all(kernels.map(({ id }) => fetch(`${url}api/kernels/${id}`, { method: 'DELETE', headers })))
}

async function answering(url, child, logFile) {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  while (child.exitCode === null && !deadline.aborted) {
    const response = await fetch(url, { signal: deadline }).catch(() => null)
    if (response?.ok === true) return
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(
    child.exitCode === null
      ? `JupyterLab did not answer in ${START_TIMEOUT_MS / 1000} s; its log is ${logFile}`
      : `JupyterLab ended with status ${child.exitCode}; its log is ${logFile}`,
  )
}

async function stopLab(child, ownFolder) {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((done) => child.once('exit', () => done('ended')))
    child.kill('SIGTERM')
    const outcome = await Promise.race([
      ended,
      new Promise((late) => setTimeout(late, STOP_TIMEOUT_MS, 'late').unref()),
    ])
    if (outcome === 'late') process.kill(-child.pid, 'SIGKILL')
  }
  if (ownFolder !== null) rmSync(ownFolder, { recursive: true, force: true })
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer()
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address()
  await new Promise((closed) => server.close(closed))
  return port
}
