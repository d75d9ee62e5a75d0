import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page, type Route } from 'playwright-core'
import type { FromPage } from '../../../protocol/page-link.ts'
import { CHROMIUM_ARGUMENTS, findChromium } from '../../../scripts/chromium.mjs'
import { assemblePage, PAGE, textsOf } from '../../../scripts/page-bundle.mjs'
import { type ServerOptions, type StartedServer, startServer } from '../../stage/start-server.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

/** The page as it is built now, a real server process, and a real Chromium. */
export type PageStage = {
  server: StartedServer
  context: BrowserContext
  /** What pages logged as errors, and what they threw, since it was last looked at. */
  errors: string[]
  /** Open an address and wait for the first picture. */
  open(url: string): Promise<Page>
  stop(): Promise<void>
}

export async function openPageStage(options: ServerOptions = {}): Promise<PageStage> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium on the PATH: install it, or set CHROME_PATH')
  const folder = await mkdtemp(join(tmpdir(), 'cellucid-page-'))
  await writeFile(join(folder, 'index.html'), await builtPage())
  const server = await startServer({ page: folder, ...options })
  const browser: Browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS, chromiumSandbox: false })
  const context = await browser.newContext({ viewport: { width: 900, height: 560 } })
  const errors: string[] = []
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  return {
    server,
    context,
    errors,
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      await says(page, 'ready', 'true')
      return page
    },
    async stop() {
      await browser.close()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The page's root says so: `data-color`, `data-selected`, … */
export async function says(page: Page, name: string, value: string): Promise<void> {
  await page.waitForFunction(([key, wanted]) => document.documentElement.dataset[key ?? ''] === wanted, [name, value])
}

export function said(page: Page, name: string): Promise<string | undefined> {
  return page.evaluate((key) => document.documentElement.dataset[key], name)
}

/** As it is shipped, so that a name that the build should not have shortened is found here. */
async function builtPage(): Promise<string> {
  const { outputFiles } = await build({ ...PAGE, absWorkingDir: ROOT, outdir: 'unused' })
  return assemblePage(ROOT, textsOf(outputFiles))
}

declare global {
  interface Window {
    heard: FromPage[]
  }
}

/** In the widget's place: meets the page in its frame and writes down what comes over the port. */
const HOST_HTML = `<!doctype html><iframe></iframe><script>
  window.heard = []
  addEventListener('message', ({ data, source }) => {
    if (data.kind !== 'pageReady') return
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = (event) => window.heard.push(event.data)
    source.postMessage({ kind: 'connect', viewerId: data.viewerId }, '*', [port2])
    port1.postMessage({ kind: 'start', transport: 'direct', pageKey: null, theme: 'light', partBytes: 1048576 })
  })
</script>`

/** The page in a frame, as a notebook has it. What it says is in the host's `heard`. */
export async function showInHost(page: Page, base: string, url: string): Promise<void> {
  await page.route(`${base}host`, (route) => route.fulfill({ contentType: 'text/html', body: HOST_HTML }))
  await page.route(/\/\?jupyter=true/, letFrame)
  await page.goto(`${base}host`)
  await page.evaluate((address) => document.querySelector('iframe')?.contentWindow?.location.replace(address), url)
}

/** Who may frame the page is another test's subject. */
async function letFrame(route: Route): Promise<void> {
  const response = await route.fetch()
  const { 'content-security-policy': _policy, ...headers } = response.headers()
  await route.fulfill({ response, headers })
}
