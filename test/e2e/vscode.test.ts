import { expect, onTestFinished, test } from 'vitest'
import { startVscodeStage, type VscodeOptions, type VscodeStage } from '../stage/vscode-stage.ts'
import { playScenario, SCENARIO_CELLS } from './scenario.ts'

test.each([
  { where: 'on this computer', options: {}, transport: 'direct' },
  { where: 'on another machine', options: { isRemote: true }, transport: 'tunnel' },
])(
  'in a stand-in for VS Code with a kernel $where the whole scenario works',
  async ({ options, transport }) => {
    const stage = await start(`vscode-${transport}`, options)
    const notebook = await stage.open(SCENARIO_CELLS)
    try {
      await playScenario(notebook, transport)
      // The picture for the saved notebook stands below, and would be a second, dead viewer.
      const picture = notebook.outputs.locator('#cell-0 .cellucid-picture img')
      await picture.waitFor({ state: 'attached', timeout: 30_000 })
      expect(await picture.isVisible()).toBe(false)
    } finally {
      await stage.photograph(notebook.page, 'scenario')
    }
  },
  240_000,
)

test("where VS Code's own policy keeps the widget from starting, the cell says what can be done", async () => {
  const stage = await start('vscode-policy', { hasPolicy: true })
  const notebook = await stage.open(SCENARIO_CELLS)
  await notebook.run(0)
  await notebook.outputs
    .locator('#cell-0')
    .getByText(/viewer\.viewer_url/)
    .waitFor({ timeout: 60_000 })
  await stage.photograph(notebook.page, 'policy')
  expect(await notebook.outputs.locator('iframe').count()).toBe(0)
}, 180_000)

async function start(name: string, options: VscodeOptions): Promise<VscodeStage> {
  const stage = await startVscodeStage(name, options)
  onTestFinished(() => stage.stop(), 60_000)
  return stage
}
