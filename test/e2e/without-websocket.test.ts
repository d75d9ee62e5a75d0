import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { type FaultProxy, startFaultProxy } from '../stage/fault-proxy.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { labNotebook } from '../stage/notebook.ts'
import { playScenario, scenarioCells } from './scenario.ts'

/** The user's own reverse proxy, which passes every request on and knows no upgrade, as many do unless they are told. */
let stage: LabStage
let proxy: FaultProxy
let viewerPort: number

beforeAll(async () => {
  viewerPort = await freePort()
  proxy = await startFaultProxy(viewerPort, { stripsUpgrades: true })
  stage = await startLabStage('without-websocket', {})
}, 90_000)
afterAll(async () => {
  await stage?.stop()
  await proxy?.stop()
}, 60_000)

test('F11 a base whose proxy strips upgrades is kept, and the viewer posts and polls there', async () => {
  const page = await stage.open(
    scenarioCells(`port=${viewerPort}`, `client_server_url="http://127.0.0.1:${proxy.port}/"`),
  )
  try {
    await playScenario(labNotebook(page), 'override')
    const asked = proxy.requests.join('\n')
    expect(asked).toContain('UPGRADE /_cellucid/channel')
    expect(asked).toContain('GET /_cellucid/commands?after=')
    expect(asked).toContain('POST /_cellucid/events')
  } finally {
    await stage.photograph(page, 'scenario')
    await page.close()
  }
}, 240_000)
