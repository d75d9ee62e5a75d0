import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium, freePort, type Lab, startLab } from '../../scripts/jupyter-lab.mjs'
import { launchProfile, loopbackPermission } from './browser-profile.ts'
import { makeCertificate } from './certificate.ts'
import { type FaultProxy, type Faults, startFaultProxy } from './fault-proxy.ts'
import { launchFirefox } from './firefox.ts'
import { type FrontEnd, JUPYTER_LAB } from './front-ends.ts'
import type { OtherEnvironment } from './other-environment.ts'
import { makeOwnNetwork, type OwnNetwork } from './own-network.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Set by `npm run test:firefox`. */
const PLAYS_IN_FIREFOX = process.env.TEST_BROWSER === 'firefox'

export type LabOptions = {
  /** The browser sees the notebook under this name instead of 127.0.0.1; it must end in `.example.test`. */
  hostName?: string
  /** Behind a reverse proxy that speaks HTTPS; needs a host name. */
  https?: boolean
  /** Behind a reverse proxy that does this to what passes it. */
  front?: Faults
  /**
   * The browser takes the notebook's address for one of the public internet; what its user said about access to this
   * computer. Headless, a question that nobody answers counts as a no.
   */
  publicPage?: 'unanswered' | 'denied' | 'granted'
  /** Firefox, not Chromium. */
  inFirefox?: boolean
  /** What shows the notebook; JupyterLab by default. */
  frontEnd?: FrontEnd
  baseUrl?: string
  serverProxy?: boolean
  /** With our own extension of the notebook server, which comes first where it is: off unless asked for. */
  serverExtension?: boolean
  /** JupyterLab from an environment without this package; the kernel's is the project's. */
  otherEnvironment?: OtherEnvironment
  labArguments?: string[]
  environment?: Record<string, string>
  /** As in a container: of all ports only Jupyter's is reached from outside. */
  ownNetwork?: boolean
  /** Front-end extensions that are switched off, by the name of their package. */
  disabledExtensions?: readonly string[]
  /** Settings of JupyterLab's plugins, by plugin. */
  settings?: Record<string, object>
}

/** A JupyterLab and a browser, with what both say in `dist/e2e/<name>/`. */
export type LabStage = {
  lab: Lab
  /** What stands before the notebook server; `null`: nothing. */
  front: FaultProxy | null
  context: BrowserContext
  /** Where the run's logs and pictures are. */
  folder: string
  /** Errors of the notebook's pages and frames since the start: `pageerror` and `console.error`. */
  errors: string[]
  /** Write a notebook and open it in a new page, its kernel ready. Kernels of earlier notebooks are ended first. */
  open(cells: readonly string[], name?: string): Promise<Page>
  /** Take a picture of the page into the run's folder. */
  photograph(page: Page, name: string): Promise<void>
  /** Take a picture of every open page, and close it. */
  closePages(name: string): Promise<void>
  stop(): Promise<void>
}

export async function launchBrowser(extraArguments: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium on the PATH: install it, or set CHROME_PATH')
  return chromium.launch({ executablePath, args: [...CHROMIUM_ARGUMENTS, ...extraArguments], chromiumSandbox: false })
}

export async function startLabStage(name: string, options: LabOptions = {}): Promise<LabStage> {
  const folder = join(ROOT, 'dist/e2e', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const notebooks = mkdtempSync(join(tmpdir(), 'notebooks-'))
  const ownFolder = configure(options)
  const { hostName, baseUrl, serverProxy, serverExtension = false, environment, otherEnvironment } = options
  const named = hostName === undefined ? [] : [`--ServerApp.local_hostnames=['localhost', '${hostName}']`]
  const port = await freePort()
  const network: OwnNetwork | null = options.ownNetwork === true ? await makeOwnNetwork(port) : null
  const local = await startLab({
    folder: notebooks,
    ownFolder,
    port,
    logFile: join(folder, 'jupyter.log'),
    labArguments: [...(options.labArguments ?? []), ...named],
    within: network?.command ?? [],
    serverExtension,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(serverProxy === undefined ? {} : { serverProxy }),
    ...(otherEnvironment === undefined ? {} : { program: otherEnvironment.program }),
    environment: { ...environment, ...otherEnvironment?.variables },
  })
  const front = await startFront(port, options)
  const lab = { ...local, url: seenUrl(local.url, options, front) }
  const context = await openBrowser(new URL(lab.url), options)
  const errors: string[] = []
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  let count = 0
  return {
    lab,
    front,
    context,
    folder,
    errors,
    async open(cells, file = `notebook-${++count}.ipynb`) {
      await local.shutDownKernels()
      writeFileSync(join(notebooks, file), notebookJson(cells))
      const page = await context.newPage()
      await (options.frontEnd ?? JUPYTER_LAB).open(page, lab, file)
      return page
    },
    async photograph(page, picture) {
      await page.screenshot({ path: join(folder, `${picture}.png`) })
    },
    async closePages(picture) {
      for (const [index, page] of context.pages().entries()) {
        await page.screenshot({ path: join(folder, `${fileName(picture)}-${index + 1}.png`) })
        await page.close()
      }
    },
    async stop() {
      writeFileSync(join(folder, 'browser-errors.log'), errors.join('\n'))
      await context.browser()?.close()
      await context.close()
      await front?.stop()
      await lab.stop()
      await network?.stop()
      for (const made of [notebooks, ownFolder]) rmSync(made, { recursive: true, force: true })
    },
  }
}

async function startFront(port: number, { https, front }: LabOptions): Promise<FaultProxy | null> {
  if (https !== true && front === undefined) return null
  return await startFaultProxy(port, front ?? {}, https === true ? { tls: makeCertificate() } : {})
}

/** The notebook server's base as the browser sees it. */
function seenUrl(url: string, { hostName, https }: LabOptions, front: FaultProxy | null): string {
  const seen = new URL(url)
  if (hostName !== undefined) seen.hostname = hostName
  if (front === null) return seen.href
  if (https === true) seen.protocol = 'https:'
  seen.port = String(front.port)
  return seen.href
}

async function openBrowser(
  url: URL,
  { publicPage, inFirefox = PLAYS_IN_FIREFOX }: LabOptions,
): Promise<BrowserContext> {
  const options = { viewport: { width: 1200, height: 900 }, ignoreHTTPSErrors: true }
  if (inFirefox) return await (await launchFirefox()).newContext(options)
  const names = '--host-resolver-rules=MAP *.example.test 127.0.0.1'
  if (publicPage === undefined) {
    const browser = await launchBrowser([names])
    return await browser.newContext(options)
  }
  const preferences = publicPage === 'unanswered' ? {} : loopbackPermission(url.origin, publicPage === 'granted')
  return await launchProfile(preferences, [
    names,
    '--ignore-certificate-errors',
    `--ip-address-space-overrides=127.0.0.1:${url.port}=public`,
  ])
}

/** A sentence as the name of a file. */
function fileName(sentence: string): string {
  return sentence
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
}

/** @returns a folder of its own for configuration and runtime files */
function configure({ disabledExtensions = [], settings = {} }: LabOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'lab-'))
  const write = (path: string, content: object) => {
    const file = join(folder, 'config', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(content))
  }
  write('labconfig/page_config.json', {
    disabledExtensions: Object.fromEntries(disabledExtensions.map((extension) => [extension, true])),
  })
  for (const [plugin, values] of Object.entries(settings)) {
    const [extension, id] = plugin.split(':')
    write(`lab/user-settings/${extension}/${id}.jupyterlab-settings`, values)
  }
  return folder
}

/** A notebook file of these code cells, without outputs. */
export function notebookJson(cells: readonly string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((source, index) => ({
      id: `cell-${index}`,
      cell_type: 'code',
      execution_count: null,
      metadata: {},
      outputs: [],
      source,
    })),
  })
}
