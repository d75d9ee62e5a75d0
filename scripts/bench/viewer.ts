import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from '../chromium.mjs'
import { bundleContender, CONTENDERS, type ContenderName, installPeers } from './bundles.ts'
import { measuresOf, rowsOf, type Sample, textOf } from './report.ts'
import { publish } from './rows.ts'
import type { StepName, StepResult } from './viewer-round.ts'

// npm run bench:viewer [-- --cells 1000000,3000000 --rounds 3 --only own,three --steps show,frame,moving]
// Every contender draws the same arrays in a page of its own, one after the other, the order turned from round to round.

const FOLDER = join(import.meta.dirname, '../../dist/bench')
/** Operations in the order a user meets them, and how often each is measured in a round. */
const STEPS: readonly (readonly [StepName, number])[] = [
  ['show', 1],
  ['gene', 3],
  ['palette', 2],
  ['frame', 3],
  ['hover', 20],
  ['lasso', 1],
  ['moving', 3], // it leaves the view elsewhere
  ['hover3d', 10], // last: it shows another embedding
]
/** Spatial indexes are made in this time after the first hover; what it costs is a step of its own. */
const INDEX_MS = 2_000

const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '1000000,3000000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: CONTENDERS.join(',') },
    steps: { type: 'string', default: STEPS.map(([step]) => step).join(',') },
  },
})

const wanted = STEPS.filter(([step]) => values.steps.split(',').includes(step))
const samples = await measure({
  sizes: values.cells.split(',').map(Number),
  rounds: Number(values.rounds),
  names: CONTENDERS.filter((name) => values.only.split(',').includes(name)),
})
await mkdir(FOLDER, { recursive: true })
const machine = { cores: cpus().length, processor: cpus()[0]?.model, graphics: 'software (SwiftShader)' }
const measures = measuresOf(samples)
await writeFile(join(FOLDER, 'viewer-contenders.json'), `${JSON.stringify({ machine, measures }, null, 1)}\n`)
console.log(textOf(measures))
const { rows, goals } = rowsOf(measures)
publish(rows, join(FOLDER, 'viewer.json'), goals)

async function measure(plan: {
  sizes: readonly number[]
  rounds: number
  names: readonly ContenderName[]
}): Promise<Sample[]> {
  await installPeers(plan.names)
  const bundles = new Map(
    await Promise.all(plan.names.map(async (name) => [name, await bundleContender(name)] as const)),
  )
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium on the PATH: install it, or set CHROME_PATH')
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS, chromiumSandbox: false })
  const samples: Sample[] = []
  try {
    for (const cells of plan.sizes) {
      for (let round = 0; round < plan.rounds; round++) {
        const turned = plan.names.map((_, i) => plan.names[(i + round) % plan.names.length] ?? 'own')
        for (const name of turned) {
          console.log(`${cells} cells, round ${round + 1}: ${name}`)
          samples.push(...(await measureOne(browser, { name, cells, script: bundles.get(name) ?? '' })))
        }
      }
    }
  } finally {
    await browser.close()
  }
  return samples
}

async function measureOne(
  browser: Browser,
  { name, cells, script }: { name: ContenderName; cells: number; script: string },
): Promise<Sample[]> {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } })
  const samples: Sample[] = []
  page.on('pageerror', (error) => console.error(`${name}: ${error}`))
  try {
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await page.setContent('<!doctype html><body style="margin: 0"></body>')
    await page.addScriptTag({ content: script })
    await page.evaluate((count) => bench.makeData(count), cells)
    await page.evaluate(() => bench.openContender(bench.open))
    const before = await keptBytes(session)
    for (const [step, times] of wanted) {
      if (step === 'hover') {
        await warmIndex(page)
        samples.push({ name, cells, step: 'keptIndexed', keptBytes: (await keptBytes(session)) - before })
      }
      if (step === 'hover3d') await page.evaluate(() => bench.showDeep())
      for (let repeat = 0; repeat < times; repeat++) {
        const result = await measureStep(page, session, { step, repeat })
        if (result !== null) samples.push({ name, cells, step, ...result })
        if (step === 'show') samples.push({ name, cells, step: 'kept', keptBytes: (await keptBytes(session)) - before })
      }
    }
  } finally {
    await page.close()
  }
  return samples
}

async function measureStep(
  page: Page,
  session: CDPSession,
  { step, repeat }: { step: StepName; repeat: number },
): Promise<(StepResult & { cpuMs: number }) | null> {
  const before = await mainThreadMs(session)
  const result = await page.evaluate(([name, count]) => bench.step(name, count), [step, repeat] as const)
  return result && { ...result, cpuMs: ((await mainThreadMs(session)) - before) / result.times }
}

/** CPU time of the page's main thread; the time of workers is not in it. */
async function mainThreadMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
}

/** Heap and array buffers after a collection, without what is on the graphics card. */
async function keptBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const usage: { usedSize: number; backingStorageSize?: number } = await session.send('Runtime.getHeapUsage')
  return usage.usedSize + (usage.backingStorageSize ?? 0)
}

async function warmIndex(page: Page): Promise<void> {
  await page.evaluate(() => bench.step('hover', 0))
  await page.waitForTimeout(INDEX_MS)
}
