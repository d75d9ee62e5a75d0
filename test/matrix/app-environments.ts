import { expect } from 'vitest'
import type { CandidateKind } from '../../protocol/comm.ts'
import { expectPicture, PLACES_SETUP } from '../e2e/manners/places.ts'
import { scenarioCells } from '../e2e/scenario.ts'
import { type AppProgram, PANEL, SOLARA, startAppStage } from '../stage/widget-app.ts'
import { type Environment, playing } from './environment.ts'

const HOST_NAME = 'app.example.test'

/** Where an application may put viewers: of the program's own kinds, and of ipywidgets'. */
type Places = {
  source: string
  /** What is opened first, by its text. */
  clicks: readonly string[]
  /** How many viewers share the page's width, in their order. */
  beside: readonly number[]
}

const MAKE = `${PLACES_SETUP}
def make(): return show_anndata(adata, color="kind", height=300, display=False)`

const PANEL_PLACES: Places = {
  source: `${MAKE}
import panel as pn
pn.extension("ipywidgets")
def wide(): return pn.panel(make(), sizing_mode="stretch_width")
pn.Column(
    make(),
    pn.Row(wide(), wide()),
    w.HBox([make(), make()]),
    pn.Tabs(("first", pn.pane.Str("nothing")), ("second", make())),
    pn.Accordion(("third", make())),
    sizing_mode="stretch_width",
).servable()`,
  clicks: ['second', 'third'],
  beside: [1, 2, 2, 2, 2, 1, 1],
}

/** Web applications made of widgets, by the programs that have a bridge for those of ipywidgets. */
export const APP_ENVIRONMENTS: readonly Environment[] = [
  app('panel', 'Panel', PANEL, 'direct', { places: PANEL_PLACES }),
  app('panel-tunnel', 'Panel at a host name', PANEL, 'tunnel', { hostName: HOST_NAME }),
  app('solara', 'Solara', SOLARA, 'direct'),
  app('solara-tunnel', 'Solara at a host name', SOLARA, 'tunnel', { hostName: HOST_NAME }),
]

function app(
  name: string,
  title: string,
  program: AppProgram,
  expectedTransport: CandidateKind,
  { hostName = '127.0.0.1', places }: { hostName?: string; places?: Places } = {},
): Environment {
  const play = playing(expectedTransport, async () => {
    const stage = await startAppStage(name, program, { cells: scenarioCells('display=False'), hostName })
    const { page, folder, notebook, stop } = stage
    return {
      notebook,
      async after() {
        await expectPicture(page.locator('.cellucid-notebook'), page.locator('body'))
        if (places !== undefined) await expectPlaces(`${name}-places`, program, places)
      },
      photograph: async (picture: string) => {
        await page.screenshot({ path: `${folder}/${picture}.png` })
      },
      stop,
    }
  })
  return { name, title, isReal: true, expectedTransport, play }
}

/** In each of them cells are drawn, over the width that it has. */
async function expectPlaces(name: string, program: AppProgram, { source, clicks, beside }: Places): Promise<void> {
  const { page, notebook, folder, stop } = await startAppStage(name, program, { source })
  try {
    await notebook.run(0)
    for (const text of clicks) await page.getByText(text, { exact: true }).first().click()
    const drawn = page.locator('.cellucid-notebook[data-cellucid-status="ready"]')
    await expect.poll(() => drawn.count(), { timeout: 60_000 }).toBe(beside.length)
    for (const [nth, share] of beside.entries()) await expectPicture(drawn.nth(nth), page.locator('body'), share)
  } finally {
    await page.screenshot({ path: `${folder}/end.png`, fullPage: true })
    await stop()
  }
}
