import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { CandidateReport } from '../../protocol/comm.ts'
import { KEY_HEADER } from '../../protocol/urls.ts'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { scenarioCells } from '../e2e/scenario.ts'
import type { LabOptions, LabStage } from '../stage/lab-stage.ts'
import { runSource } from '../stage/notebook.ts'
import { type Relay, startRelay } from '../stage/relay.ts'
import { startServer } from '../stage/start-server.ts'
import { type Environment, openLab, playing } from './environment.ts'

/** Of the kernel's machine only the notebook's port is reached from the browser's. */
const ONE_PORT: LabOptions = { serverProxy: false, ownNetwork: true }

export const PORT_ENVIRONMENTS: readonly Environment[] = [
  {
    name: 'container',
    title: 'JupyterLab in a container with one published port',
    isReal: true,
    expectedTransport: 'tunnel',
    play: playing('tunnel', async () => {
      const cells = scenarioCells(`port=${await freePort()}`)
      return await openLab('container', {
        options: ONE_PORT,
        cells,
        async after(_stage, page) {
          expect(await verdictOf(page, 'direct')).toBe('network')
        },
      })
    }),
  },
  {
    name: 'ssh-twin',
    title: "JupyterLab through `ssh -L`, another person's viewer on the same port of this computer",
    isReal: true,
    expectedTransport: 'tunnel',
    play: playing('tunnel', openBesideTwin),
  },
]

/** The twin is asked, and lets no page that it does not know read its answer; nothing it hears is a secret. */
async function openBesideTwin() {
  const twin = await startServer()
  await twin.openViewer()
  const recorder = await startRelay({ port: twin.port, host: '127.0.0.1' }, { records: true })
  let pageKeys: ReadonlySet<string> = new Set()
  const opened = await openLab('ssh-twin', {
    options: ONE_PORT,
    cells: scenarioCells(`port=${recorder.port}`),
    watch: (context) => {
      pageKeys = watchPageKeys(context)
    },
    async after(stage, page) {
      // For the browser an answer that it may not read is the same as none.
      expect(await verdictOf(page, 'direct')).toBe('network')
      await expectNoSecrets(recorder, pageKeys, await tokenOf(stage, page))
    },
  })
  return {
    ...opened,
    async stop() {
      await opened.stop()
      await recorder.stop()
      await twin.stop()
    },
  }
}

async function expectNoSecrets(recorder: Relay, pageKeys: ReadonlySet<string>, token: string): Promise<void> {
  const said = recorder.received().toString('latin1')
  expect(said).toContain('GET /_cellucid/health')
  expect(pageKeys.size).toBeGreaterThanOrEqual(2)
  for (const secret of [token, ...pageKeys]) expect(said).not.toContain(secret)
  expect(said.toLowerCase()).not.toContain(KEY_HEADER.toLowerCase())
}

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
async function tokenOf(stage: LabStage, page: Page): Promise<string> {
  await runSource(page, 'open("token.txt", "w").write(viewer._link.token); None')
  const file = join(stage.lab.folder, 'token.txt')
  const token = readFileSync(file, 'utf8')
  rmSync(file)
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  return token
}
