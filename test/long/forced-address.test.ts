import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { FIRST_PICTURE_MS, scenarioCells } from '../e2e/scenario.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, viewerReady, viewerRoot } from '../stage/notebook.ts'
import { startRelay } from '../stage/relay.ts'

/** The user set an address that leads nowhere: the cell says so, and the keyboard alone gets her out of it. */
let stage: LabStage
let forcedPort: number

beforeAll(async () => {
  stage = await startLabStage('forced-address', {})
}, 90_000)
afterEach(async ({ task }) => stage.closePages(task.name))
afterAll(async () => stage?.stop(), 60_000)

test('the card says what was tried and what to do, its report can be copied, and the notebook shows the cells', async () => {
  const page = await openForced()
  const card = await cardOf(page)
  expect(await card.getByRole('heading').textContent()).toContain('The address that was set')
  const tried = await card.getByRole('listitem').allTextContents()
  expect(tried).toEqual([expect.stringContaining(`http://127.0.0.1:${forcedPort}/`)])
  expect(await card.getByRole('paragraph').allTextContents()).toEqual([
    expect.stringMatching(/port \d+ of the kernel's machine.*unset CELLUCID_CLIENT_SERVER_URL/),
  ])

  await stage.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await pressButton(page, 'Copy report')
  await card.getByRole('button', { name: 'Copied' }).waitFor()
  const report = await page.evaluate(() => navigator.clipboard.readText())
  expect(report).toContain(`http://127.0.0.1:${forcedPort}/`)
  expect(report).not.toMatch(/[0-9a-f]{64}/)

  await pressButton(page, 'Show through the notebook instead')
  expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'tunnel' })
}, 180_000)

test('once the address leads to the viewer, trying again shows the cells there', async () => {
  const page = await openForced()
  await cardOf(page)
  const port = Number(await runSource(page, 'print(viewer.port)'))
  const relay = await startRelay({ port, host: '127.0.0.1' }, { port: forcedPort })
  try {
    await pressButton(page, 'Try again')
    expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'override' })
  } finally {
    await relay.stop()
  }
}, 180_000)

async function openForced(): Promise<Page> {
  forcedPort = await freePort()
  const page = await stage.open(scenarioCells(`client_server_url="http://127.0.0.1:${forcedPort}/"`))
  await runCell(page, 0)
  return page
}

async function cardOf(page: Page) {
  const card = viewerRoot(page).getByRole('region', { name: 'Why the viewer is not shown' })
  await card.waitFor({ timeout: 30_000 })
  return card
}

/** As somebody without a mouse does: to the next thing that takes the focus, until it is this one. */
async function pressButton(page: Page, name: string): Promise<void> {
  const button = viewerRoot(page).getByRole('button', { name })
  await viewerRoot(page).getByRole('heading').click() // where reading has come to
  for (let steps = 0; steps < 10; steps++) {
    await page.keyboard.press('Tab')
    if (await button.evaluate((element) => element.matches(':focus'))) {
      await page.keyboard.press('Enter')
      return
    }
  }
  throw new Error(`the keyboard does not reach "${name}"`)
}
