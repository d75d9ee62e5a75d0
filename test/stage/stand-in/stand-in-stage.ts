import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { launchProfile } from '../browser-profile.ts'
import { type BackendOptions, type KernelBackend, startKernelBackend } from '../kernel-backend.ts'
import type { OpenNotebook } from '../notebook.ts'
import type { OutputPage } from './notebook-output.ts'
import type { Workbench } from './workbench.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

declare global {
  interface Window {
    workbench: Workbench
    outputPage: OutputPage
  }
}

/** What a browser needs to know to show one program's notebooks. */
export type StandInFront = {
  workbenchUrl: string
  /** Of the webview that holds the outputs. */
  webviewUrl: string
  /** The outputs are a frame in that webview, not its page itself. */
  isNested: boolean
  /** Where the ports of the kernel's machine are seen from outside, with `{port}` in it. */
  ports?: string
  /** The user has logged in. */
  cookies?: { name: string; value: string; domain: string; path: string }[]
  stop(): Promise<void>
}

export type StandInPlan = {
  kernels?: Omit<BackendOptions, 'logFile'>
  /** The user's browser. */
  preferences: object
  browserArguments?: readonly string[]
  /** Called once the kernels' server runs. */
  startFront(): Promise<StandInFront>
}

/** A stand-in for a program that shows notebooks; it copies documented behaviour and cannot prove the real thing. */
export type StandInStage = {
  folder: string
  context: BrowserContext
  /** Open a notebook of these cells with a kernel of its own. */
  open(cells: readonly string[]): Promise<OpenNotebook & { page: Page }>
  photograph(page: Page, name: string): Promise<void>
  stop(): Promise<void>
}

export async function startStandIn(name: string, plan: StandInPlan): Promise<StandInStage> {
  const folder = resolve(ROOT, 'dist/e2e', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const front = await plan.startFront()
  const backend = await startKernelBackend({ ...plan.kernels, logFile: join(folder, 'jupyter.log') })
  const context = await launchProfile(plan.preferences, plan.browserArguments)
  await context.addCookies(front.cookies ?? [])
  const errors: string[] = []
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  return {
    folder,
    context,
    open: (cells) => openNotebook(cells, { context, backend, front }),
    photograph: async (page, picture) => {
      await page.screenshot({ path: join(folder, `${picture}.png`) })
    },
    async stop() {
      writeFileSync(join(folder, 'browser-errors.log'), errors.join('\n'))
      await context.close()
      await front.stop()
      await backend.stop()
    },
  }
}

type Parts = { context: BrowserContext; backend: KernelBackend; front: StandInFront }

async function openNotebook(
  cells: readonly string[],
  { context, backend, front }: Parts,
): Promise<OpenNotebook & { page: Page }> {
  const page = await context.newPage()
  await page.goto(front.workbenchUrl)
  const { url, kernel } = await backend.startKernel()
  await page.evaluate(([to, which]) => window.workbench.connect(to, which), [url, kernel] as const)
  await page.evaluate((ports) => window.workbench.offerPorts(ports), front.ports ?? '')
  const showOutputs = async () => {
    await page.evaluate(([to, nested]) => window.workbench.show(to, nested), [
      front.webviewUrl,
      front.isNested,
    ] as const)
    await outputFrame(page, front)
  }
  await showOutputs()
  let count = cells.length
  const run = async (cell: number, source: string) => {
    const frame = await outputFrame(page, front)
    const result = await frame.evaluate(([place, code]) => window.outputPage.run(place, code), [cell, source] as const)
    if (result.error !== null) throw new Error(`The cell raised ${result.error}`)
    return result.text
  }
  const webview = page.frameLocator('#webview')
  return {
    page,
    outputs: front.isNested ? webview.frameLocator('#active-frame') : webview,
    run: (index) => run(index, cells[index] ?? ''),
    execute: (source) => run(count++, source),
    // Closing the notebook's tab throws the webview away; opening it again makes another.
    reload: showOutputs,
  }
}

/** The frame of the outputs, once its page has started. */
async function outputFrame(page: Page, { isNested }: StandInFront): Promise<Frame> {
  const webview = page.locator('#webview')
  const place = isNested ? webview.contentFrame().locator('#active-frame') : webview
  const frame = await (await place.elementHandle())?.contentFrame()
  if (frame == null) throw new Error('the webview has no output frame')
  await frame.waitForFunction(() => window.outputPage !== undefined)
  return frame
}
