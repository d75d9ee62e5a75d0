import { expect, onTestFinished, test } from 'vitest'
import { SCENARIO_CELLS } from '../e2e/scenario.ts'
import { startVscodeStage } from '../stage/vscode-stage.ts'

test("where VS Code's own policy keeps the widget from starting, the cell says what can be done", async () => {
  const stage = await startVscodeStage('vscode-policy', { hasPolicy: true })
  onTestFinished(() => stage.stop(), 60_000)
  const notebook = await stage.open(SCENARIO_CELLS)
  await notebook.run(0)
  await notebook.outputs
    .locator('#cell-0')
    .getByText(/viewer\.viewer_url/)
    .waitFor({ timeout: 60_000 })
  await stage.photograph(notebook.page, 'policy')
  expect(await notebook.outputs.locator('iframe').count()).toBe(0)
}, 180_000)
