import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { test } from 'vitest'

/** What one target does with its inputs. */
export type Trials<Input> = {
  input: fc.Arbitrary<Input>
  /** Throws at what may not be. @returns by what name to count what came of it */
  run(input: Input): Promise<string> | string
  /** After each round: whether all is well. Throws where it is not */
  check?(): Promise<void>
  /** What stays in use, to be compared from round to round. */
  measure?(): Promise<Record<string, number>>
}
export type Target<Input> = {
  name: string
  /** What holds of every input: the name of the test. */
  holds: string
  /** Inputs of one round; `npm test` plays three. */
  runs: number
  /** Seeds that once found something. */
  seeds?: readonly number[]
  open(): Promise<Trials<Input>>
}

/** What one target came to, in dist/fuzz/. */
type Tally = {
  target: string
  rounds: number
  inputs: number
  seconds: number
  firstSeed: number
  lastSeed: number
  outcomes: Record<string, number>
  measuredFirst: Record<string, number>
  measuredLast: Record<string, number>
}

const REPORTS = join(import.meta.dirname, '../../dist/fuzz')
/** Of `npm run fuzz`; 0: a short run, as a part of `npm test`. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0)
const FIXED_SEED = 20_260_101
const FRESH_SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const FIRST_SEED = SECONDS > 0 ? FRESH_SEED : FIXED_SEED
const SLOWEST_ROUND_MS = 180_000
const SLOWEST_INPUT_MS = 30_000

/**
 * One target of `npm run fuzz`, as a test. Without FUZZ_SECONDS it plays a fixed seed and those that are kept, so that
 * `npm test` says the same of the same code; else seed after seed, from FUZZ_SEED or a fresh one, until the time is over.
 */
export function fuzz<Input>(target: Target<Input>): void {
  test(`${target.name}: ${target.holds}`, { timeout: SECONDS * 1_000 + SLOWEST_ROUND_MS }, async () => {
    const trials = await target.open()
    const startMs = performance.now()
    const measuredFirst = (await trials.measure?.()) ?? {}
    const tally: Tally = {
      target: target.name,
      rounds: 0,
      inputs: 0,
      seconds: 0,
      firstSeed: FIRST_SEED,
      lastSeed: FIRST_SEED,
      outcomes: {},
      measuredFirst,
      measuredLast: measuredFirst,
    }
    process.stdout.write(`fuzz ${target.name}: seed ${FIRST_SEED}\n`)
    for (const seed of SECONDS > 0 ? seedsUntil(startMs + SECONDS * 1_000) : seedsOf(target)) {
      await playRound(target, trials, seed, tally)
      tally.rounds++
      tally.lastSeed = seed
      tally.seconds = Math.round((performance.now() - startMs) / 1_000)
      tally.measuredLast = (await trials.measure?.()) ?? {}
    }
    await mkdir(REPORTS, { recursive: true })
    await writeFile(join(REPORTS, `${target.name}.json`), `${JSON.stringify(tally, null, 2)}\n`)
  })
}

function* seedsUntil(endMs: number): Generator<number> {
  for (let seed = FRESH_SEED; performance.now() < endMs; seed++) yield seed
}

function seedsOf({ seeds = [] }: { seeds?: readonly number[] }): number[] {
  return [FIXED_SEED, ...seeds]
}

async function playRound<Input>(target: Target<Input>, trials: Trials<Input>, seed: number, tally: Tally) {
  const property = fc.asyncProperty(trials.input, async (input) => {
    const outcome = await trials.run(input)
    tally.inputs++
    tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1
  })
  const details = await fc.check(property, {
    seed,
    numRuns: target.runs,
    timeout: SLOWEST_INPUT_MS,
    interruptAfterTimeLimit: SLOWEST_ROUND_MS / 2,
    markInterruptAsFailure: true,
  })
  const again = `npm run fuzz -- --target ${target.name} --seed ${seed}`
  if (details.failed) {
    const report = `${fc.defaultReportMessage(details) ?? ''}\n${again}\n`
    await mkdir(REPORTS, { recursive: true })
    await writeFile(join(REPORTS, `${target.name}-${seed}.txt`), report)
    throw new Error(report.slice(0, 4_000), { cause: details.errorInstance })
  }
  try {
    await trials.check?.()
  } catch (cause) {
    throw new Error(`After all inputs of one seed: ${String(cause)}\n${again}`, { cause })
  }
}
