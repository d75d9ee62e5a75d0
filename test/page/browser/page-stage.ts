import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { decodeFrame, encodeFrame } from '../../../protocol/frame.ts'
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
  /** Open an address and wait for the first picture. @param prepare the page, before it goes there */
  open(url: string, prepare?: (page: Page) => Promise<void>): Promise<Page>
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
    async open(url, prepare) {
      const page = await context.newPage()
      await prepare?.(page)
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

type AskAnswer = { status: number; body: unknown }

/**
 * Stand between the page and its server's answers on the socket; before the page is opened.
 * @param answer to what is asked for at this path, relative to the base; `null`: the server's own, once this resolves
 */
export async function answerAsks(page: Page, answer: (path: string) => Promise<AskAnswer | null>): Promise<void> {
  await page.routeWebSocket(/_cellucid/, (toPage) => {
    const toServer = toPage.connectToServer()
    const pass = async (message: string | Buffer) => {
      const { header } = decodeFrame(Uint8Array.from(Buffer.from(message)))
      const given = header.kind === 'ask' ? await answer(String(header.path)) : null
      if (given === null) return toServer.send(message)
      const head = { kind: 'answer', id: header.id, status: given.status, headers: {} }
      toPage.send(Buffer.from(encodeFrame(head, new TextEncoder().encode(JSON.stringify(given.body)))))
    }
    toPage.onMessage((message) => void pass(message))
  })
}

declare global {
  interface Window {
    heard: FromPage[]
  }
}

/** In the widget's place: meets the page in its frame and writes down what comes over the port. */
const HOST_HTML = `<!doctype html><iframe allow="loopback-network *; local-network *; local-network-access *"></iframe><script>
  window.heard = []
  addEventListener('message', ({ data, source }) => {
    if (data.kind !== 'pageReady') return
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = (event) => window.heard.push(event.data)
    source.postMessage({ kind: 'connect', viewerId: data.viewerId }, '*', [port2])
    port1.postMessage({ kind: 'start', transport: 'direct', pageKey: null, theme: 'light', partBytes: 1048576, user: null })
  })
</script>`

/**
 * The page in a frame, as a notebook has it. What it says is in the host's `heard`. A real server shows the host: of a
 * document that a test makes up the browser does not know that it is of this machine, and lets it open no socket here.
 */
export async function showInHost(page: Page, url: string): Promise<void> {
  const host = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(HOST_HTML))
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  page.once('close', () => host.close())
  await page.goto(`http://127.0.0.1:${(host.address() as AddressInfo).port}/`) // listens on TCP
  await page.evaluate((address) => document.querySelector('iframe')?.contentWindow?.location.replace(address), url)
}
