import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { launchBrowser } from './lab-stage.ts'

/** `errors`: what pages complain of, by `pageerror` and `console.error`; a test takes out what it expects. */
export type QuietBrowser = { context: BrowserContext; errors: string[] }

/** A browser for the tests of one file, with a fresh profile for each, in which no page may complain. */
export function quietBrowser(viewport: { width: number; height: number }): QuietBrowser {
  let browser: Browser
  const stage: Partial<QuietBrowser> = {}
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  beforeEach(async () => {
    const context = await browser.newContext({ viewport })
    const errors: string[] = []
    context.on('weberror', (error) => errors.push(String(error.error())))
    context.on('console', (line) => {
      if (line.type() === 'error') errors.push(line.text())
    })
    Object.assign(stage, { context, errors })
  })
  afterEach(async () => {
    await stage.context?.close()
    expect(stage.errors).toEqual([])
  })
  afterAll(() => browser.close())
  return stage as QuietBrowser // whole while a test runs
}
