import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { CandidateKind, CandidateReport } from '../../protocol/comm.ts'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { chooseGene, lasso, shows } from '../e2e/gestures.ts'
import { scenarioCells } from '../e2e/scenario.ts'
import { type Faults, startFaultProxy } from '../stage/fault-proxy.ts'
import type { LabStage } from '../stage/lab-stage.ts'
import { runSource, viewerFrame } from '../stage/notebook.ts'
import { type Environment, type LabRow, lab, openLab, playing } from './environment.ts'

/** What goes to the viewer's server by the notebook server's proxy. */
const isViewer = (path: string) => path.includes('/proxy/')

/** More than one part of 8 MiB of positions. */
const MANY_CELLS = 1_100_000
/** More than one part of 1 MiB of them. */
const SOME_CELLS = 300_000

/** JupyterLab at a name, behind the user's own reverse proxy, which does something that it should not. */
export const PROXY_ENVIRONMENTS: readonly Environment[] = [
  behind('proxy-no-upgrade', 'A proxy that strips upgrades', 'tunnel', {
    faults: { stripsUpgrades: true, concerns: isViewer },
    async after({ front }) {
      // Where the server cannot prove itself on a socket, nothing is said to it.
      expect(front?.requests.join('\n')).not.toMatch(/_cellucid\/(?:commands|events|key|identity)/)
    },
  }),
  behind('proxy-buffers', 'A proxy that buffers everything', 'same-origin-proxy', { faults: { buffers: true } }),
  behind('proxy-idle', 'A proxy that cuts what is idle for 10 s', 'same-origin-proxy', {
    faults: { idleMs: 10_000 },
    after: expectNothingLost,
  }),
  behind('proxy-1mib', 'A proxy that ends messages over 1 MiB', 'same-origin-proxy', {
    faults: { maxMessageBytes: 1 << 20 },
    cellCount: SOME_CELLS,
  }),
  behind('proxy-1mib-tunnel', 'A proxy that ends messages over 1 MiB, without jupyter-server-proxy', 'tunnel', {
    faults: { maxMessageBytes: 1 << 20 },
    cellCount: SOME_CELLS,
    serverProxy: false,
  }),
  behind('proxy-no-range', 'A proxy that drops Range', 'same-origin-proxy', {
    faults: { dropsRange: true },
    cellCount: MANY_CELLS,
  }),
  behind('proxy-host', 'A proxy that rewrites Host', 'tunnel', {
    faults: { host: 'upstream.internal:8888', concerns: isViewer },
    async after(_stage, page) {
      // The notebook server names its login's cookie after the Host, and sees none.
      expect(await candidatesOf(page)).toContainEqual(
        expect.objectContaining({ kind: 'same-origin-proxy', verdict: 'redirect' }),
      )
    },
  }),
  behind('proxy-lost-path', 'A proxy that adds to the path', 'tunnel', {
    faults: { addsPrefix: '/lost/', concerns: isViewer },
    async after(_stage, page) {
      expect(await candidatesOf(page)).toContainEqual(
        expect.objectContaining({ kind: 'same-origin-proxy', verdict: 'status', reason: '404' }),
      )
    },
  }),
  behind('proxy-599', 'A proxy that answers 599 over its limit', 'same-origin-proxy', {
    // In place of 100 MB: a part of 8 MiB passes, all positions at once would not.
    faults: { maxBodyBytes: 8.1 * 2 ** 20, concerns: isViewer },
    cellCount: MANY_CELLS,
    async after({ front }) {
      expect(front?.refusals).toBe(0)
    },
  }),
  behind('proxy-599-low', 'A proxy that answers 599 over 1 MiB', 'tunnel', {
    faults: { maxBodyBytes: 1 << 20, concerns: isViewer },
    cellCount: SOME_CELLS,
    async after({ front }) {
      expect(front?.refusals).toBeGreaterThan(0)
    },
  }),
  {
    name: 'override-path',
    title: 'A forced address below a path of a reverse proxy',
    isReal: true,
    expectedTransport: 'override',
    play: playing('override', openForced),
  },
]

type ProxyRow = {
  faults: Faults
  cellCount?: number
  serverProxy?: boolean
  after?: NonNullable<LabRow['after']>
}

function behind(name: string, title: string, transport: CandidateKind, row: ProxyRow): Environment {
  const { faults, cellCount, serverProxy = true, after } = row
  const options = {
    hostName: 'lab.example.test',
    front: faults,
    serverProxy,
    // Of a foreign Host the notebook server knows nothing either, unless it is told.
    labArguments: faults.host === undefined ? [] : ['--ServerApp.allow_remote_access=True'],
  }
  const cells = cellCount === undefined ? {} : { cells: grownCells(cellCount), cellCount }
  const environment = lab(name, title, transport, { options, ...cells, ...(after === undefined ? {} : { after }) })
  return { ...environment, isFaulty: true }
}

async function openForced() {
  const port = await freePort()
  const proxy = await startFaultProxy(port, { prefix: '/cellucid/' })
  const opened = await openLab('override-path', {
    cells: scenarioCells(`port=${port}`, `client_server_url="http://127.0.0.1:${proxy.port}/cellucid"`),
  })
  return {
    ...opened,
    async stop() {
      await opened.stop()
      await proxy.stop()
    },
  }
}

/** Wait until the proxy has cut connections; what is done then arrives. */
async function expectNothingLost({ front }: LabStage, page: Page): Promise<void> {
  const before = front?.cuts ?? 0
  await expect.poll(() => front?.cuts ?? 0, { timeout: 40_000 }).toBeGreaterThan(before)
  await chooseGene(viewerFrame(page), 'NKG7')
  await runSource(page, 'viewer.select_cells([])')
  await shows(viewerFrame(page), 'selected', '0')
  await runSource(page, 'arrived.clear()')
  const counted = await lasso(viewerFrame(page))
  const arrived = await runSource(page, 'assert arrived.wait(20)\nprint(len(selections[-1]))')
  expect(Number(arrived)).toBe(counted)
}

async function candidatesOf(page: Page): Promise<CandidateReport[]> {
  return JSON.parse(await runSource(page, 'print(json.dumps(viewer.connection["candidates"]))'))
}

/** The scenario with so many cells, which are those of the small dataset again and again, each a little elsewhere. */
function grownCells(count: number): readonly string[] {
  const [, ...others] = scenarioCells()
  const first = `import json, threading
import anndata, numpy as np, pandas as pd, scanpy as sc, scipy.sparse
from cellucid_notebook import show_anndata
small, random = sc.datasets.pbmc68k_reduced(), np.random.default_rng(0)
cells = random.integers(0, small.n_obs, ${count})
umap = small.obsm["X_umap"][cells] + random.normal(0, 0.1, (${count}, 2))
obs = pd.DataFrame({"louvain": small.obs["louvain"].array[cells]}, index=np.arange(${count}).astype(str))
genes = scipy.sparse.csc_matrix(np.asarray(small[:, ["CD3D"]].X)[cells])
adata = anndata.AnnData(genes, obs, pd.DataFrame(index=["CD3D"]), obsm={"X_umap": umap.astype("float32")})
adata.uns["louvain_colors"] = small.uns["louvain_colors"]
viewer = show_anndata(adata, color="louvain")`
  return [first, ...others]
}
