// `npm run bench:notebook`: from the run of a cell to the picture, against jupyter-scatter's widget, on the same arrays
// in the same notebook of a real JupyterLab in a real Chromium. Ours and peer take turns, and the medians are compared.
// Only one of the two pictures is there at a time, as with a user: the browser composes each frame of the whole page, and
// by software two pictures in it cost the one that is measured as much as its own.
// `--cells 700,100000 --rounds 5 --starts 2` measures a part of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser, BrowserContext } from 'playwright-core'
import { launchBrowser } from '../../test/stage/lab-stage.ts'
import { ROOT } from '../command.mjs'
import { type Lab, startLab } from '../jupyter-lab.mjs'
import { benchCells, CELLS, CONTENDERS, type Contender } from './notebook/cells.ts'
import { benchPython, kernelOf } from './notebook/environment.ts'
import { Pictures } from './notebook/pictures.ts'
import { median, publish, type Row, row } from './rows.ts'
import { BenchNotebook } from './transport/notebook.ts'

const { values: flags } = parseArgs({
  options: {
    cells: { type: 'string', default: '700,100000,1000000' },
    rounds: { type: 'string', default: '5' },
    starts: { type: 'string', default: '2' },
  },
})

/** By the number of cells: cell run to first picture, recolouring from Python. */
const GOALS: Readonly<Record<number, readonly [number, number]>> = {
  700: [1, 1],
  100000: [0.7, 0.5],
  1000000: [0.5, 0.3],
}

/** Ours makes the picture for the saved notebook when all is quiet for half a second; both are left alone so long. */
const SETTLE_MS = 2_000

/** What both must have sent to the graphics card before a picture counts. */
const BYTES_PER_CELL = { show: 8, recolor: 1 } as const

type Stage = { context: BrowserContext; lab: Lab; pictures: Pictures; cells: number }
type Step = 'show' | 'recolor'
/** Milliseconds of every round. */
type Times = Record<Contender, number[]>

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const lab = await startLab({
    folder,
    autosave: false,
    environment: kernelOf(await benchPython(), folder),
    logFile: join(ROOT, 'dist/bench/jupyter.log'),
  })
  let browser: Browser | null = null
  try {
    browser = await launchBrowser()
    // Tall enough for all cells and a picture: what is out of sight is not drawn.
    const context = await browser.newContext({ viewport: { width: 1200, height: 1200 } })
    const pictures = await Pictures.of(context)
    const rows: Row[] = []
    for (const cells of flags.cells.split(',').map(Number))
      rows.push(...(await measure({ context, lab, pictures, cells })))
    publish(rows, join(ROOT, 'dist/bench/notebook.json'), goals())
  } finally {
    await browser?.close()
    await lab.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(stage: Stage): Promise<Row[]> {
  const starts = await firstStarts(stage)
  const notebook = await openNotebook(stage)
  const times: Record<Step, Times> = { show: { ours: [], peer: [] }, recolor: { ours: [], peer: [] } }
  for (let round = -1; round < Number(flags.rounds); round++) {
    for (const who of turned(round)) {
      await takeTurn(notebook, who)
      for (const step of ['show', 'recolor'] as const) {
        const ms = await pictureMs(stage, notebook, { who, step })
        if (round >= 0) times[step][who].push(ms) // The first round starts the server, and compiles for both.
      }
    }
  }
  await notebook.page.screenshot({ path: join(ROOT, `dist/bench/notebook-${stage.cells}.png`) })
  await notebook.page.close()
  const [show, first, recolor] = subjects(stage.cells)
  return [
    rowOf(show, times.show),
    ...(starts.ours.length === 0 ? [] : [rowOf(first, starts)]),
    rowOf(recolor, times.recolor),
  ]
}

/** Each in a kernel and a page of its own, right after the imports. */
async function firstStarts(stage: Stage): Promise<Times> {
  const times: Times = { ours: [], peer: [] }
  for (let round = 0; round < Number(flags.starts); round++) {
    for (const who of turned(round)) {
      const notebook = await openNotebook(stage)
      await notebook.run(CELLS.turn[who])
      times[who].push(await pictureMs(stage, notebook, { who, step: 'show' }))
      await notebook.page.close()
    }
  }
  return times
}

async function openNotebook({ context, lab, cells }: Stage): Promise<BenchNotebook> {
  const notebook = await BenchNotebook.open(context, lab, { url: lab.url, cells: benchCells(cells) })
  await notebook.run(CELLS.prepare)
  return notebook
}

/** Take the other's picture away. */
async function takeTurn(notebook: BenchNotebook, who: Contender): Promise<void> {
  await notebook.run(CELLS.turn[who])
  for (const other of CONTENDERS) if (other !== who) await notebook.run(CELLS.show[other])
}

/** From the command that runs the cell to the picture on the canvas, milliseconds. */
async function pictureMs(
  { pictures, cells }: Stage,
  notebook: BenchNotebook,
  { who, step }: { who: Contender; step: Step },
): Promise<number> {
  await setTimeout(SETTLE_MS)
  const drawn = pictures.next(notebook.page, who, { points: cells, bytes: cells * BYTES_PER_CELL[step] })
  drawn.catch(() => undefined) // Awaited below, after the cell.
  const startMs = await notebook.page.evaluate(() => performance.timeOrigin + performance.now())
  await notebook.run(CELLS[step][who])
  const ms = (await drawn) - startMs
  console.log(`${cells} cells, ${step}, ${who}: ${Math.round(ms)} ms`)
  return ms
}

function turned(round: number): readonly Contender[] {
  return round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()
}

function rowOf(operation: string, { ours, peer }: Times): Row {
  for (const [name, values] of [
    ['ours', ours],
    ['peer', peer],
  ] as const) {
    console.log(
      `${operation}, ${name}: ${values
        .toSorted((a, b) => a - b)
        .map((ms) => Math.round(ms))
        .join(' ')} ms`,
    )
  }
  return row(operation, 'ms', { ours: median(ours), peer: median(peer) })
}

function subjects(cells: number): readonly [string, string, string] {
  const name = cells.toLocaleString('en')
  return [
    `${name} cells: cell run to first picture, server running`,
    `${name} cells: cell run to first picture, first of its kernel and page`,
    `${name} cells: recolour from Python`,
  ]
}

function goals(): Record<string, number> {
  return Object.fromEntries(
    Object.entries(GOALS).flatMap(([cells, [show, recolor]]) => {
      const [shown, , recolored] = subjects(Number(cells))
      return [
        [shown, show],
        [recolored, recolor],
      ]
    }),
  )
}

await main()
