import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { launchProfile, NO_STORAGE } from './browser-profile.ts'
import { type KernelBackend, startKernelBackend } from './kernel-backend.ts'
import type { OpenNotebook } from './notebook.ts'
import { REQUIRE_JS, unpackedPackage, VSCODE_WIDGETS } from './packed-package.ts'
import { bundle, html, type PageServer, type ServedPage, servePages } from './page-server.ts'
import type { OutputPage } from './vscode/output.ts'
import type { Workbench } from './vscode/workbench.ts'

const ROOT = resolve(import.meta.dirname, '../..')

declare global {
  interface Window {
    workbench: Workbench
    outputPage: OutputPage
  }
}

export type VscodeOptions = {
  /** The kernel runs on another machine, none of whose ports is forwarded. */
  isRemote?: boolean
  /** With the policy of `notebook.experimental.enableCsp`. */
  hasPolicy?: boolean
}

export type VscodeStage = {
  folder: string
  context: BrowserContext
  /** Open a notebook of these cells with a kernel of its own. */
  open(cells: readonly string[]): Promise<OpenNotebook & { page: Page }>
  photograph(page: Page, name: string): Promise<void>
  stop(): Promise<void>
}

/**
 * A stand-in for VS Code: a page around a webview of another origin around the notebook's outputs, VS Code's own widget
 * manager in it, a real kernel behind it; no storage, no sign of Jupyter. It cannot prove the real thing.
 */
export async function startVscodeStage(name: string, options: VscodeOptions = {}): Promise<VscodeStage> {
  const folder = resolve(ROOT, 'dist/e2e', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const backend = await startKernelBackend({
    logFile: join(folder, 'jupyter.log'),
    ownNetwork: options.isRemote === true,
  })
  const server = await servePages(await pages(options))
  const context = await launchProfile(NO_STORAGE)
  const errors: string[] = []
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  return {
    folder,
    context,
    open: (cells) => openNotebook(cells, { context, backend, server }),
    photograph: async (page, picture) => {
      await page.screenshot({ path: join(folder, `${picture}.png`) })
    },
    async stop() {
      writeFileSync(join(folder, 'browser-errors.log'), errors.join('\n'))
      await context.close()
      await server.stop()
      await backend.stop()
    },
  }
}

async function openNotebook(
  cells: readonly string[],
  { context, backend, server }: { context: BrowserContext; backend: KernelBackend; server: PageServer },
): Promise<OpenNotebook & { page: Page }> {
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${server.port}/workbench.html`)
  const { url, kernel } = await backend.startKernel()
  await page.evaluate(([to, which]) => window.workbench.connect(to, which), [url, kernel] as const)
  const webviewUrl = `http://localhost:${server.port}/index.html?platform=electron&purpose=notebookRenderer`
  const showOutputs = async () => {
    await page.evaluate((to) => window.workbench.show(to), webviewUrl)
    await outputFrame(page)
  }
  await showOutputs()
  let count = cells.length
  const run = async (cell: number, source: string) => {
    const frame = await outputFrame(page)
    const result = await frame.evaluate(([place, code]) => window.outputPage.run(place, code), [cell, source] as const)
    if (result.error !== null) throw new Error(`The cell raised ${result.error}`)
    return result.text
  }
  return {
    page,
    outputs: page.frameLocator('#webview').frameLocator('#active-frame'),
    run: (index) => run(index, cells[index] ?? ''),
    execute: (source) => run(count++, source),
    // Closing the notebook's tab throws the webview away; opening it again makes another.
    reload: showOutputs,
  }
}

/** The frame of the outputs, once its page has started. */
async function outputFrame(page: Page): Promise<Frame> {
  const element = await page.frameLocator('#webview').locator('#active-frame').elementHandle()
  const frame = await element?.contentFrame()
  if (frame == null) throw new Error('the webview has no output frame')
  await frame.waitForFunction(() => window.outputPage !== undefined)
  return frame
}

async function pages({ hasPolicy = false }: VscodeOptions): Promise<Record<string, ServedPage>> {
  const sources = join(import.meta.dirname, 'vscode')
  return {
    '/workbench.html': html('<style>body{margin:0}iframe{width:100%;height:880px;border:0}</style>', WORKBENCH_BODY),
    '/workbench.js': await bundle(join(sources, 'workbench.ts')),
    '/index.html': html(
      '<style>body{margin:0}iframe{width:100%;height:860px;border:0}</style>',
      '<iframe id="active-frame" name="active-frame" src="output.html"></iframe>',
    ),
    '/output.html': html(`${hasPolicy ? POLICY : ''}<base href="/notebook-folder/">`, OUTPUT_BODY),
    '/output.js': await bundle(join(sources, 'output.ts')),
    '/require.js': { file: join(unpackedPackage(REQUIRE_JS), 'require.js') },
    '/ipywidgets.js': { file: join(unpackedPackage(VSCODE_WIDGETS), 'dist/ipywidgets.js') },
    '/nbextensions/anywidget/index.js': { file: join(ROOT, '.venv/share/jupyter/nbextensions/anywidget/index.js') },
  }
}

const WORKBENCH_BODY = '<script type="module" src="workbench.js"></script>'

/** `data-base-url`: where the extension says that the files of widgets lie. */
const OUTPUT_BODY = `<script src="/require.js"></script>
<script>document.body.dataset.baseUrl = 'https://file+.vscode-resource.vscode-cdn.net/usr/share/jupyter/'</script>
<script type="module">
import { activate } from '/ipywidgets.js'
activate()
await import('/output.js')
</script>`

/** What VS Code sets where its user asked for a policy; the resources' origin is this stand-in's own. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none';
script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' https: http: data:;
font-src 'self' https:; connect-src https:; child-src https: data:">`
