import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook, runSource, viewerFrame, viewerReady, viewerRoot } from '../stage/notebook.ts'
import { viewerUrl } from '../stage/viewer-url.ts'
import { chooseGene, shows } from './gestures.ts'
import { FIRST_PICTURE_MS, playScenario, SCENARIO_CELLS } from './scenario.ts'

/** A name, not a loopback address: there the server is also reached directly. */
const OPTIONS = { baseUrl: '/user/alice/', hostName: 'lab.example.test', serverExtension: true } as const

let stage: LabStage
beforeAll(async () => {
  stage = await startLabStage('server-extension', OPTIONS)
}, 90_000)
afterAll(async () => stage?.stop(), 60_000)

test('with our extension in the notebook server nothing goes by the port, also where a proxy could', async () => {
  const page = await stage.open(SCENARIO_CELLS, 'scenario.ipynb')
  try {
    await playScenario(labNotebook(page), 'server-extension')
    const door = /^http:\/\/lab\.example\.test:\d+\/user\/alice\/cellucid\/[0-9a-f]{32}\//
    expect(page.frames().map((frame) => frame.url())).toContainEqual(expect.stringMatching(door))
    const candidates = JSON.parse(await runSource(page, 'print(json.dumps(viewer.connection["candidates"]))'))
    expect(candidates[0]).toMatchObject({ kind: 'server-extension', verdict: 'proven' })
    expect(await runSource(page, 'print(viewer.debug_connection()["verdict"])')).toContain(
      'through cellucid-notebook in the notebook server; WebSocket',
    )
    const tab = await stage.context.newPage()
    await tab.goto(await viewerUrl(stage, page, door))
    await shows(tab, 'color', 'louvain')

    const root = viewerRoot(page)
    const before = await root.getAttribute('data-cellucid-ready-at')
    await runSource(page, 'import os\nos.kill(viewer._server.pid, 9)')
    await expect.poll(() => root.getAttribute('data-cellucid-ready-at')).not.toBe(before)
    expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'server-extension' })
    await chooseGene(viewerFrame(page), 'CD3D')
  } finally {
    await stage.closePages('scenario')
  }
}, 240_000)
