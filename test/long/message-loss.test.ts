import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openNotebook } from '../../scripts/jupyter-lab.mjs'
import { chooseGene, lasso, shows } from '../e2e/gestures.ts'
import { FIRST_PICTURE_MS, playScenario, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { type FaultProxy, startFaultProxy } from '../stage/fault-proxy.ts'
import { type LabStage, notebookJson, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook, notebookReady, runCell, runSource, viewerFrame, viewerReady } from '../stage/notebook.ts'

/** What the notebook server passes on of a kernel; its default, of 1000, is more than JupyterLab can draw. */
const MESSAGES_PER_SECOND = 200

/**
 * JupyterLab at a host name, without jupyter-server-proxy: the viewer comes through the notebook. Before it stands a
 * proxy which loses messages on the way between page and kernel.
 */
let stage: LabStage
let front: FaultProxy

beforeAll(async () => {
  stage = await startLabStage('message-loss', {
    serverProxy: false,
    hostName: 'lab.example.test',
    labArguments: [`--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=${MESSAGES_PER_SECOND}`],
  })
}, 90_000)
beforeEach(async () => {
  front = await startFaultProxy(Number(new URL(stage.lab.url).port))
})
afterEach(async ({ task }) => {
  await stage.closePages(task.name)
  await front.stop()
})
afterAll(async () => stage?.stop(), 60_000)

test('with one of ten widget messages lost in either direction the whole scenario works', async () => {
  const losses = loseWidgetMessages(0.1)
  const page = await open(SCENARIO_CELLS)
  await playScenario(labNotebook(page), 'tunnel')
  for (const gene of ['NKG7', 'CD79A', 'LYZ', 'GNLY', 'CST3']) await chooseGene(viewerFrame(page), gene)
  // What the view found is told again until it has arrived.
  await expect.poll(() => runSource(page, TELL_THE_WAY), { timeout: 20_000, interval: 2_000 }).toBe('tunnel\n')
  expect(losses.count).toBeGreaterThan(10)
})

test('with one of ten widget messages lost 500 000 cells come whole', async () => {
  const losses = loseWidgetMessages(0.1)
  const page = await open([MANY_CELLS])
  await runCell(page, 0)
  expect(await viewerReady(page, 120_000)).toEqual({ cells: 500_000, transport: 'tunnel' })
  await shows(viewerFrame(page), 'color', 'group')
  const counted = await lasso(viewerFrame(page))
  const heard = Number(await runSource(page, COUNT_THE_SELECTED))
  expect(heard).toBe(counted)
  expect(losses.count).toBeGreaterThan(2)
})

test('after a flood of printed lines, with which the notebook server lost all else, the picture goes on by itself', async () => {
  const page = await open(SCENARIO_CELLS)
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
  expect(await runSource(page, COMMAND_IN_A_FLOOD)).toContain('IOPub message rate exceeded')
  await shows(viewerFrame(page), 'color', 'CD3D')
  await chooseGene(viewerFrame(page), 'NKG7')
})

test('a connection to the notebook that is cut and comes back carries the picture on', async () => {
  const page = await open(SCENARIO_CELLS)
  await runCell(page, 0)
  await viewerReady(page, FIRST_PICTURE_MS)
  await chooseGene(viewerFrame(page), 'CD3D')
  const { port } = front
  await front.stop()
  front = await startFaultProxy(Number(new URL(stage.lab.url).port), {}, { port })
  await chooseGene(viewerFrame(page), 'NKG7')
  await runSource(page, 'viewer.set_color_by("louvain")')
  await shows(viewerFrame(page), 'color', 'louvain')
})

async function open(cells: readonly string[]): Promise<Page> {
  await stage.lab.shutDownKernels()
  writeFileSync(join(stage.lab.folder, 'loss.ipynb'), notebookJson(cells))
  const url = new URL(stage.lab.url)
  url.port = String(front.port)
  const page = await stage.context.newPage()
  await openNotebook(page, { url: url.href, token: stage.lab.token }, 'loss.ipynb')
  await notebookReady(page)
  return page
}

/** Custom messages of widgets, in the head of a kernel's message; what follows are buffers. */
const WIDGET_MESSAGE = /"msg_type":\s*"comm_msg".*"method":\s*"custom"/s
const HEAD_BYTES = 8 << 10

/** @param share of the messages; which ones is the same in every run */
function loseWidgetMessages(share: number): { count: number } {
  const losses = { count: 0 }
  let seed = 1
  front.faults.loses = (message) => {
    if (!WIDGET_MESSAGE.test(message.toString('latin1', 0, HEAD_BYTES))) return false
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    const isLost = seed / 2 ** 32 < share
    if (isLost) losses.count++
    return isLost
  }
  return losses
}

const MANY_CELLS = `import anndata, numpy
from cellucid_notebook import show_anndata
random = numpy.random.default_rng(0)
cells = anndata.AnnData(
    obs={"group": numpy.char.add("g", (numpy.arange(500_000) % 7).astype(str))},
    obsm={"X_umap": random.normal(size=(500_000, 2)).astype("f4")},
)
viewer = show_anndata(cells, color="group")`

const TELL_THE_WAY = 'print(viewer.connection and viewer.connection["transport"])'

const COUNT_THE_SELECTED = `import time
end = time.monotonic() + 30
while len(viewer.selection) == 0 and time.monotonic() < end:
    time.sleep(0.05)
print(len(viewer.selection))`

/** Each line is a message of its own: three seconds' worth, and as many again that the notebook server drops. */
const COMMAND_IN_A_FLOOD = `def flood(lines):
    for line in range(lines):
        print(line, flush=True)
flood(${6 * MESSAGES_PER_SECOND})
viewer.set_color_by("CD3D")
flood(${6 * MESSAGES_PER_SECOND})`
