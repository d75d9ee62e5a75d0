import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CandidateReport } from '../../protocol/comm.ts'
import { KEY_HEADER } from '../../protocol/urls.ts'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook, runSource } from '../stage/notebook.ts'
import { startRelay } from '../stage/relay.ts'
import { startServer } from '../stage/start-server.ts'
import { playScenario, scenarioCells } from './scenario.ts'

/** JupyterLab where only its own port is reached from the browser's machine: in a container, or by `ssh -L`. */
let stage: LabStage

beforeAll(async () => {
  stage = await startLabStage('own-network', { serverProxy: false, ownNetwork: true })
}, 90_000)
afterAll(async () => stage?.stop(), 60_000)

test('with nothing on the same port of this computer, the viewer comes through the notebook', async () => {
  const page = await stage.open(scenarioCells(`port=${await freePort()}`))
  await playScenario(labNotebook(page), 'tunnel')
  expect(await verdictOf(page, 'direct')).toBe('network')
  await stage.photograph(page, 'container')
  await page.close()
}, 240_000)

test("another person's viewer on the same port of this computer is refused, and learns no secret", async () => {
  const twin = await startServer()
  await twin.openViewer()
  const recorder = await startRelay({ port: twin.port, host: '127.0.0.1' }, { records: true })
  try {
    const pageKeys = watchPageKeys(stage.context)
    const page = await stage.open(scenarioCells(`port=${recorder.port}`))
    await playScenario(labNotebook(page), 'tunnel')
    // It is asked, and lets no page that it does not know read its answer: for that the browser has no other word.
    expect(await verdictOf(page, 'direct')).toBe('network')

    const said = recorder.received().toString('latin1')
    expect(said).toContain('GET /_cellucid/health')
    expect(pageKeys.size).toBeGreaterThanOrEqual(2)
    for (const secret of [await tokenOf(page), ...pageKeys]) expect(said).not.toContain(secret)
    expect(said.toLowerCase()).not.toContain(KEY_HEADER.toLowerCase())
    await stage.photograph(page, 'twin')
    await page.close()
  } finally {
    await recorder.stop()
    await twin.stop()
  }
}, 240_000)

async function verdictOf(page: Page, kind: string): Promise<string | undefined> {
  const candidates: CandidateReport[] = JSON.parse(
    await runSource(page, 'print(json.dumps(viewer.connection["candidates"]))'),
  )
  return candidates.find((candidate) => candidate.kind === kind)?.verdict
}

/** The keys that viewers' pages get; through the notebook they travel in its kernel's socket. */
function watchPageKeys(context: BrowserContext): ReadonlySet<string> {
  const keys = new Set<string>()
  const look = ({ payload }: { payload: string | Buffer }) => {
    for (const [, key = ''] of payload.toString('latin1').matchAll(/"pageKey":"([^"]+)"/g)) keys.add(key)
  }
  context.on('page', (page) => page.on('websocket', (socket) => socket.on('framereceived', look)))
  return keys
}

/** By a file of its own: what a cell prints is saved in the notebook. */
async function tokenOf(page: Page): Promise<string> {
  await runSource(page, 'open("token.txt", "w").write(viewer._link.token); None')
  const file = join(stage.lab.folder, 'token.txt')
  const token = readFileSync(file, 'utf8')
  rmSync(file)
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  return token
}
