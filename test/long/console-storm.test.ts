import { readFileSync } from 'node:fs'
import type { Frame, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lasso, shows } from '../e2e/gestures.ts'
import { FIRST_PICTURE_MS, SCENARIO_CELLS } from '../e2e/scenario.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, viewerFrame, viewerReady } from '../stage/notebook.ts'

const STORM_MS = 20_000
const FIRST_STORM_MS = 5_000
const LINES_PER_SECOND = 10_000
/** From the end of the gesture to the user's own callback. */
const SELECTION_MS = 500
/** Looks like a viewer's token. */
const SECRET = 'ab'.repeat(32)

const WAYS = [
  { name: 'storm-direct', transport: 'direct', options: { serverProxy: false } },
  { name: 'storm-tunnel', transport: 'tunnel', options: { serverProxy: false, hostName: 'lab.example.test' } },
] as const

describe.each(WAYS)(
  '$transport: 10,000 lines a second for 20 s in the console of the page',
  ({ name, transport, options }) => {
    let stage: LabStage
    beforeAll(async () => {
      stage = await startLabStage(name, options)
      await stage.context.addInitScript(muteConsole)
    }, 90_000)
    afterAll(async () => stage?.stop(), 60_000)

    test('delay no selection by half a second, leave no secret, and are counted', async () => {
      const page = await openMuted(stage, transport)
      await runSource(page, LISTEN)
      const frame = frameOfThePage(page)
      const calm = await selectFor(page, 3_000)
      // Both processes take their size in a first storm; a longer one must not need more.
      await frame.evaluate(storm, { ms: FIRST_STORM_MS, perSecond: LINES_PER_SECOND, secret: SECRET })
      await frame.evaluate(() => (window as unknown as Stormed).stormed)
      const before = JSON.parse(await runSource(page, `print(json.dumps({${MEASURE}}))`)) as Measured
      await frame.evaluate(storm, { ms: STORM_MS, perSecond: LINES_PER_SECOND, secret: SECRET })
      const stormy = await selectFor(page, STORM_MS)
      const { written, shown } = await frame.evaluate(() => (window as unknown as Stormed).stormed)
      expect(shown).toBe(written)
      expect(written).toBeGreaterThan((STORM_MS / 1_000) * LINES_PER_SECOND * 0.9)
      const gestures = [...calm, ...stormy]
      const {
        arrivals,
        console: lines,
        dropped,
        ...after
      } = JSON.parse(await runSource(page, tell(gestures.length))) as Told

      expect(arrivals).toHaveLength(gestures.length)
      const delays = arrivals.map((arrived, nth) => Math.round(arrived - (gestures[nth] ?? 0)))
      const worst = Math.max(...delays.slice(calm.length))
      const growth = { kernel: after.kernelMb - before.kernelMb, server: after.serverMb - before.serverMb }
      process.stdout.write(
        `${JSON.stringify({ transport, written, kept: lines.length, dropped, calm: delays.slice(0, calm.length), stormy: delays.slice(calm.length), growth })}\n`,
      )
      expect(worst).toBeLessThan(SELECTION_MS)
      // The page passes on 20 lines a second and says how many more there were.
      expect(lines.length).toBeGreaterThan(STORM_MS / 2_000)
      expect(lines.length).toBeLessThanOrEqual(200)
      expect(JSON.stringify(lines)).toMatch(/more lines were/)
      expect(JSON.stringify(lines)).not.toContain(SECRET)
      expect(readFileSync(`${stage.folder}/jupyter.log`, 'utf8')).not.toContain(SECRET)
      expect(growth.server).toBeLessThan(40)
      expect(growth.kernel).toBeLessThan(40)
    }, 240_000)
  },
)

/** In a frame of its own process the browser may run its driver's script only after the page's own: then once more. */
async function openMuted(stage: LabStage, transport: string): Promise<Page> {
  const page = await stage.open(SCENARIO_CELLS)
  for (let attempt = 0; attempt < 5; attempt++) {
    await runCell(page, 0)
    expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport })
    const isBelow = () => {
      const { count, console: page } = window as unknown as Stormed & Window & typeof globalThis
      return count !== undefined && page.warn !== count
    }
    if (await frameOfThePage(page).evaluate(isBelow)) return page
  }
  throw new Error('The console of the page was never muted')
}

type Stormed = { stormed: Promise<{ written: number; shown: number }>; shown: number; count?: () => void }
type Measured = { kernelMb: number; serverMb: number }
type Told = Measured & { arrivals: number[]; console: { message: string; count: number }[]; dropped: number }

/** Lassos, one after the other. @returns when each ended, in milliseconds since the epoch */
async function selectFor(page: Page, ms: number): Promise<number[]> {
  const viewer = viewerFrame(page)
  const ended: number[] = []
  const until = Date.now() + ms
  while (Date.now() < until) {
    await lasso(viewer, () => ended.push(Date.now()))
    await page.keyboard.press('Escape')
    await shows(viewer, 'selected', '0')
  }
  return ended
}

function frameOfThePage(page: Page): Frame {
  const frames = page.frames().filter((frame) => frame !== page.mainFrame())
  const [frame] = frames
  if (frame === undefined || frames.length > 1) throw new Error(`${frames.length} frames`)
  return frame
}

/**
 * Runs in every window before any other script. A browser that is driven tells its driver each line of a console, which
 * at this rate leaves no time for anything else: in the place of the console what was shown there is counted.
 */
function muteConsole(): void {
  const counted = window as unknown as Stormed
  counted.shown = 0
  const count = () => {
    counted.shown++
  }
  counted.count = count
  Object.assign(window.console, { warn: count, error: count })
}

/** Every third line is the same, every third names a secret. */
function storm({ ms, perSecond, secret }: { ms: number; perSecond: number; secret: string }): void {
  const { console: page } = window
  const counted = window as unknown as Stormed
  const start = performance.now()
  const shownBefore = counted.shown
  let written = 0
  counted.stormed = new Promise((resolve) => {
    const timer = setInterval(() => {
      const passed = Math.min(ms, performance.now() - start)
      for (; written < (passed / 1_000) * perSecond; written++) {
        if (written % 3 === 0) page.warn('the same')
        else if (written % 3 === 1) page.error(`failed with viewerToken=${secret}`, written)
        else page.warn('line', written, { a: [written] })
      }
      if (passed < ms) return
      clearInterval(timer)
      resolve({ written, shown: counted.shown - shownBefore })
    }, 10)
  })
}

const MEASURE = `"kernelMb": psutil.Process().memory_info().rss / 1e6,
    "serverMb": psutil.Process(viewer._server.pid).memory_info().rss / 1e6`

const LISTEN = `import psutil, threading, time
arrivals, came = [], threading.Condition()
@viewer.on_selection
def note(event):
    if len(event["cells"]) > 0:
        with came:
            arrivals.append(time.time() * 1000)
            came.notify()`

/** Once the lassos have all come. */
const tell = (lassos: number) => `with came:
    assert came.wait_for(lambda: len(arrivals) >= ${lassos}, 30), f"{len(arrivals)} of ${lassos} lassos came"
report = viewer.debug_connection()
print(json.dumps({"arrivals": arrivals, "console": [line for line in report["console"] if isinstance(line, dict)],
    "dropped": sum(isinstance(line, str) for line in report["console"]), ${MEASURE}}))`
