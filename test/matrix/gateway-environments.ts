import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { notebookReady, openNotebook } from '../../scripts/jupyter-lab.mjs'
import { chooseGene } from '../e2e/gestures.ts'
import { scenarioCells } from '../e2e/scenario.ts'
import { type FrontEnd, JUPYTER_LAB } from '../stage/front-ends.ts'
import { startKernelGateway } from '../stage/kernel-gateway.ts'
import type { LabStage } from '../stage/lab-stage.ts'
import { cellOutputs, runSource, saveNotebook, viewerFrame } from '../stage/notebook.ts'
import { type Environment, openLab, playing } from './environment.ts'

const FOLDER = resolve(import.meta.dirname, '../../dist/matrix')

export const GATEWAY_ENVIRONMENTS: readonly Environment[] = [
  {
    name: 'gateway',
    title: 'JupyterLab, its kernels behind a Jupyter gateway on another machine',
    isReal: true,
    expectedTransport: 'tunnel',
    play: playing('tunnel', openBehindGateway),
  },
]

/** The first buffer of ours would end the notebook's own connection to its kernel. */
async function openBehindGateway() {
  const gateway = await startKernelGateway(resolve(FOLDER, 'gateway.log'))
  let binary: readonly string[] = []
  try {
    const opened = await openLab('gateway', {
      options: { ...gateway.lab, frontEnd: LAB_WITH_PATIENCE },
      cells: scenarioCells(),
      watch: (context) => {
        binary = watchBinaryMessages(context)
      },
      async after(_stage: LabStage, page: Page) {
        await expect.poll(() => savedPicture(page), { timeout: 30_000 }).toMatch(/^iVBORw0KGgo/)
        await expectToWaitForTheCell(page)
        expect(binary).toEqual([])
      },
    })
    const stop = async () => {
      await opened.stop()
      await gateway.stop()
    }
    return { ...opened, stop }
  } catch (error) {
    await gateway.stop()
    throw error
  }
}

/** JupyterLab's question about the kernel may be lost while its connection to the gateway is made; a user reloads too. */
const LAB_WITH_PATIENCE: FrontEnd = {
  async open(page, lab, file) {
    await openNotebook(page, lab, file)
    await readyOrReloaded(page)
  },
  drive: (page, lab, file) => ({
    ...JUPYTER_LAB.drive(page, lab, file),
    async reload() {
      await saveNotebook(page)
      await page.reload()
      await readyOrReloaded(page)
    },
  }),
}

async function readyOrReloaded(page: Page): Promise<void> {
  try {
    await notebookReady(page)
  } catch {
    await page.reload()
    await notebookReady(page)
  }
}

/** From the next request on it holds the interpreter, so that no thread of the kernel answers. */
const HOLDS_THE_INTERPRETER = `import ctypes, time
time.sleep(0.5)
asked = viewer._messages.counts["requests"]
while viewer._messages.counts["requests"] == asked:
    time.sleep(0.001)
ctypes.PyDLL(None).sleep(8)
print("over")`

async function expectToWaitForTheCell(page: Page): Promise<void> {
  const ended = runSource(page, HOLDS_THE_INTERPRETER)
  await page.waitForFunction(
    () => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy',
  )
  const viewer = viewerFrame(page)
  const chosen = chooseGene(viewer, 'NKG7')
  const sentence = viewer.getByText('Waiting for the running cell')
  await sentence.waitFor({ timeout: 15_000 })
  expect(await ended).toContain('over')
  await chosen
  await sentence.waitFor({ state: 'detached' })
}

/** In the output of the first cell, as base64. */
async function savedPicture(page: Page): Promise<string> {
  const outputs = await cellOutputs(page, 0)
  return outputs.map(({ data }) => String(data?.['image/png'] ?? '')).join('')
}

/** What passes between the page and its kernel other than as text: behind a gateway that is a message with a buffer. */
function watchBinaryMessages(context: BrowserContext): readonly string[] {
  const seen: string[] = []
  const look = ({ payload }: { payload: string | Buffer }) => {
    if (typeof payload !== 'string') seen.push(payload.toString('latin1', 0, 200))
  }
  context.on('page', (page) =>
    page.on('websocket', (socket) => {
      socket.on('framesent', look)
      socket.on('framereceived', look)
    }),
  )
  return seen
}
