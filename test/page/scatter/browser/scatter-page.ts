import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from '../../../../scripts/chromium.mjs'
import type * as Harness from './harness.ts'

declare global {
  // In the browser only: the bundle of harness.ts.
  var harness: typeof Harness
}

export type ScatterPage = { page: Page; errors: string[]; close(): Promise<void> }

/** A blank page of a real Chromium with the scatter in it, as `harness`. */
export async function openScatterPage(options: { deviceScaleFactor?: number } = {}): Promise<ScatterPage> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium on the PATH: install it, or set CHROME_PATH')
  const browser: Browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS, chromiumSandbox: false })
  const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, ...options })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.setContent('<!doctype html><body style="margin: 0"></body>')
  await page.addScriptTag({ content: await bundle() })
  return { page, errors, close: () => browser.close() }
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL('harness.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'harness',
    target: 'es2022',
  })
  return outputFiles[0]?.text ?? ''
}
