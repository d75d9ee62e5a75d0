import { expect } from 'vitest'
import type { CandidateKind } from '../../protocol/comm.ts'
import { SCENARIO_CELLS } from '../e2e/scenario.ts'
import { startCoderStage, startCodeServerStage, startCodespaceStage, startColabStage } from '../stage/hosted-fronts.ts'
import { startMarimoStage } from '../stage/marimo-stage.ts'
import type { StandInStage } from '../stage/stand-in/stand-in-stage.ts'
import { startVscodeStage } from '../stage/vscode-stage.ts'
import { type Environment, playing } from './environment.ts'

/** Notebooks that are not Jupyter's own; marimo is the only one that can be had here, the others are copied. */
export const STAND_INS: readonly Environment[] = [
  {
    name: 'marimo',
    title: 'marimo',
    isReal: true,
    expectedTransport: 'direct',
    play: playing('direct', async () => {
      const { notebook, page, folder, stop } = await startMarimoStage('marimo', SCENARIO_CELLS)
      const photograph = async (name: string) => {
        await page.screenshot({ path: `${folder}/${name}.png` })
      }
      return { notebook, photograph, stop }
    }),
  },
  standIn('vscode-local', 'VS Code, kernel on this computer', 'direct', startVscodeStage),
  standIn('vscode-remote', 'VS Code, kernel on another machine', 'tunnel', (name) =>
    startVscodeStage(name, { isRemote: true }),
  ),
  standIn('codespaces', 'Codespaces in the browser', 'tunnel', startCodespaceStage),
  standIn('code-server', 'code-server', 'same-origin-proxy', startCodeServerStage),
  standIn('coder', 'Coder, ports at names of their own', 'cross-origin-proxy', startCoderStage),
  standIn('colab', 'Colab', 'cross-origin-proxy', (name) => startColabStage(name, true)),
  standIn('colab-no-cookies', 'Colab, third-party cookies off', 'tunnel', (name) => startColabStage(name, false)),
]

function standIn(
  name: string,
  title: string,
  expectedTransport: CandidateKind,
  start: (name: string) => Promise<StandInStage>,
): Environment {
  const play = playing(expectedTransport, async () => {
    const stage = await start(name)
    try {
      const notebook = await stage.open(SCENARIO_CELLS)
      return {
        notebook,
        async after() {
          // The picture for the saved notebook stands below, and would be a second, dead viewer.
          const picture = notebook.outputs.locator('#cell-0 .cellucid-picture img')
          await picture.waitFor({ state: 'attached', timeout: 30_000 })
          expect(await picture.isVisible()).toBe(false)
        },
        photograph: (picture: string) => stage.photograph(notebook.page, picture),
        stop: () => stage.stop(),
      }
    } catch (error) {
      await stage.stop()
      throw error
    }
  })
  return { name, title, isReal: false, expectedTransport, play }
}
