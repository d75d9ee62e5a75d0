import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { interruptKernel, labNotebook, runCell, startAllCells, viewerFrame, viewerReady } from '../stage/notebook.ts'
import { type Conversation, converse, pixelsInNbconvert } from './conversation.ts'
import { chooseGene } from './gestures.ts'
import { playScenario, SCENARIO_CELLS } from './scenario.ts'

const ENVIRONMENTS = [
  {
    name: 'lab-proxy',
    title: 'JupyterLab with jupyter-server-proxy at /user/alice/',
    options: { baseUrl: '/user/alice/' },
    transport: 'same-origin-proxy',
  },
  {
    name: 'lab-direct',
    title: 'JupyterLab without jupyter-server-proxy',
    options: { serverProxy: false },
    transport: 'direct',
  },
  {
    name: 'lab-tunnel',
    title: 'JupyterLab at a host name, without jupyter-server-proxy: through the notebook',
    options: { serverProxy: false, hostName: 'lab.example.test' },
    transport: 'tunnel',
  },
] as const

describe.each(ENVIRONMENTS)('$title', ({ name, options, transport }) => {
  let stage: LabStage
  beforeAll(async () => {
    stage = await startLabStage(name, options)
  }, 90_000)
  afterAll(async () => stage?.stop(), 60_000)

  test('show, colour, select, command and reload work; all that is said is the same over every transport', async () => {
    const page = await stage.open(SCENARIO_CELLS, 'scenario.ipynb')
    try {
      let said: Conversation | null = null
      const meanwhile = async () => {
        said = await converse(page, stage)
      }
      await playScenario(labNotebook(page), transport, { meanwhile })
      expect(said).toEqual(SAID_EVERYWHERE)
      expect(await pixelsInNbconvert(page, join(stage.lab.folder, 'scenario.ipynb'))).toBeGreaterThanOrEqual(20)
    } finally {
      await stage.photograph(page, 'scenario')
      await page.close()
    }
  }, 240_000)

  test('with Run All, cells are on screen while the next cell computes, and the picture goes on', async () => {
    const page = await stage.open([showFile(), PURE_PYTHON_FOR_60_S])
    try {
      await startAllCells(page)
      expect(await viewerReady(page, 50_000)).toEqual({ cells: 700, transport })
      expect(await isRunning(page, 1)).toBe(true)
      await chooseGene(viewerFrame(page), 'CD3D')
      await chooseGene(viewerFrame(page), 'NKG7')
      expect(await isRunning(page, 1)).toBe(true)
    } finally {
      await stage.photograph(page, 'run-all')
      await page.close()
    }
  }, 120_000)

  // Through the notebook everything passes the interpreter, and waits for it.
  if (transport === 'tunnel') return
  test('a call that holds the interpreter does not stop the picture', async () => {
    const page = await stage.open([showFile(), HOLD_THE_INTERPRETER])
    try {
      await runCell(page, 0)
      await viewerReady(page, 60_000)
      const held = runCell(page, 1).catch(String)
      await page.locator('.jp-OutputArea-output', { hasText: 'holding' }).waitFor()
      await chooseGene(viewerFrame(page), 'CD3D')
      expect(await isRunning(page, 1)).toBe(true)
      await interruptKernel(page)
      expect(await held).toContain('KeyboardInterrupt')
    } finally {
      await page.close()
    }
  }, 120_000)
})

const SAID_EVERYWHERE: Conversation = {
  commands: {
    sets: { hidden: 130, 'highlight/#ff00ff': 60, selection: 3 },
    embedding: 'X_pca',
    color: { axis: 'obs', key: 'louvain' },
    waiting: 0,
  },
  state: {
    kernel: {
      ready: true,
      selection: [5, 6, 7],
      color: 'louvain',
      embedding: 'X_pca',
      selected: ['ACAGTTCTTAGCCA-1', 'ACATTCTGACTACG-1', 'ACCCTCGAGTGAGG-1'],
    },
    page: 'Cells: 700 cells, PCA, coloured by louvain, 130 hidden, 3 selected. Press question mark for keys.',
  },
  closer: {
    hover: true,
    click: [true, 0, false],
    'made later': 'X_mine',
    state: true,
    call: "set_embedding('gone')",
    reason: expect.stringContaining('X_gone'),
  },
  lasso: 'waiting\nlasso of N cells\n',
  picture: { path: 'picture.png', png: '89504e47', bytes: true, 'same size as on screen': true },
  session: {
    file: 'before.cellucid-session',
    before: ['highlight/#ff00ff', 'selection'],
    between: { sets: [], color: 'CD3D', embedding: 'X_pca' },
    after: ['highlight/#ff00ff', 'selection'],
    camera: true,
    color: 'louvain',
    embedding: 'X_umap',
    refused: expect.stringContaining('viewer.load_session() was not done: "gone" is not a column of obs, which has'),
    obs: { '#ff00ff': 60 },
    'in place': true,
  },
  report: {
    verdict: 'Connected HOW; CARRIER; N ms.',
    proven: true,
    'command errors': 1,
    'server ended with': [],
  },
}

const PURE_PYTHON_FOR_60_S = `import time
end = time.monotonic() + 60
while time.monotonic() < end:
    pass`

/**
 * `PyDLL` keeps the interpreter's lock during the call, as a C extension does that never releases it. A signal ends it.
 * ipykernel only puts what a flush says in line to be sent; once the second one is through, the first has been.
 */
const HOLD_THE_INTERPRETER = `import ctypes
print("holding", flush=True)
print(end="", flush=True)
ctypes.PyDLL(None).sleep(100)`

/** Show the quickstart's cells from an .h5ad file, whose genes the server reads without the kernel. */
function showFile(): string {
  return `import scanpy as sc
from cellucid_notebook import show_anndata
sc.datasets.pbmc68k_reduced().write_h5ad("pbmc.h5ad")
viewer = show_anndata("pbmc.h5ad", color="louvain")`
}

/** The kernel's own status does not tell: it is idle after each comm message that a subshell answered meanwhile. */
async function isRunning(page: Page, cell: number): Promise<boolean> {
  return (await page.locator('.jp-Cell .jp-InputPrompt').nth(cell).textContent()) === '[*]:'
}
