import type { BrowserContext, Page } from 'playwright-core'
import type { CandidateKind } from '../../protocol/comm.ts'
import { type FirstPicture, playScenario, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { JUPYTER_LAB } from '../stage/front-ends.ts'
import { type LabOptions, type LabStage, startLabStage } from '../stage/lab-stage.ts'
import type { OpenNotebook } from '../stage/notebook.ts'

/** One row of the table of environments. */
export type Environment = {
  name: string
  title: string
  /** false: a stand-in that copies documented behaviour, and cannot prove the real thing */
  isReal: boolean
  /** A proxy on the way does something that it should not. */
  isFaulty?: boolean
  /** What this machine lacks to play it, in a sentence; `null`: nothing. */
  whyNotHere?(): string | null
  /** `picture`: nothing is asked, the saved picture is shown. */
  expectedTransport: CandidateKind | 'picture'
  /**
   * Start it, see all that is to be seen in it, and end it.
   * @param tell the first picture, as soon as it stands
   */
  play(tell: (shown: FirstPicture) => void): Promise<void>
}

/** A notebook in one environment, opened and ready to play the scenario. */
export type OpenEnvironment = {
  notebook: OpenNotebook
  cellCount?: number
  /** What is to be seen here beyond the scenario, once it has been played. */
  after?(): Promise<void>
  /** Into the folder of the run. */
  photograph(name: string): Promise<void>
  stop(): Promise<void>
}

/** The `play` of an environment in which the scenario is played. */
export function playing(transport: CandidateKind, open: () => Promise<OpenEnvironment>): Environment['play'] {
  return async (tell) => {
    const opened = await open()
    try {
      await playScenario(opened.notebook, transport, { cellCount: opened.cellCount ?? 700, tell })
      await opened.photograph('scenario')
      await opened.after?.()
    } finally {
      await opened.photograph('end').catch(() => undefined) // a page that is gone has nothing to show
      await opened.stop()
    }
  }
}

/** What a JupyterLab row differs in. */
export type LabRow = {
  options?: LabOptions
  cells?: readonly string[]
  cellCount?: number
  /** Called before the notebook is opened. */
  watch?(context: BrowserContext): void
  after?(stage: LabStage, page: Page): Promise<void>
}

export const SCENARIO_FILE = 'scenario.ipynb'

/** A real Jupyter server, and one of the programs that show its notebooks. */
export function lab(name: string, title: string, expectedTransport: CandidateKind, row: LabRow = {}): Environment {
  const play = playing(expectedTransport, () => openLab(name, row))
  return { name, title, isReal: true, expectedTransport, play }
}

export async function openLab(
  name: string,
  { options = {}, cells = SCENARIO_CELLS, cellCount, watch, after }: LabRow,
): Promise<OpenEnvironment> {
  const stage = await startLabStage(name, options)
  watch?.(stage.context)
  try {
    const page = await stage.open(cells, SCENARIO_FILE)
    return {
      notebook: (options.frontEnd ?? JUPYTER_LAB).drive(page, stage.lab, SCENARIO_FILE),
      ...(cellCount === undefined ? {} : { cellCount }),
      after: async () => after?.(stage, page),
      photograph: (picture) => stage.photograph(page, picture),
      stop: () => stage.stop(),
    }
  } catch (error) {
    await stage.closePages('not-opened')
    await stage.stop()
    throw error
  }
}
