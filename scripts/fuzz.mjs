// `npm run fuzz -- --minutes N [--seed S] [--target NAME]`: play seed after seed of every target, or of the one named, for
// N minutes in all, and say what came of it. What fails is kept in dist/fuzz/ with its input.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectEnvironment, ROOT, run } from './command.mjs'
import { setUp } from './setup.mjs'

const REPORTS = join(ROOT, 'dist/fuzz')
const TARGETS = {
  channel: 'channel',
  gate: 'gate',
  ranges: 'ranges',
  column: 'frames',
  pipe: 'frames',
  messages: 'frames',
  tunnel: 'frames',
  hdf5: 'files',
  zarr: 'files',
  manifests: 'files',
  sessions: 'files',
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`fuzz: ${error.message}`)
  process.exitCode = 1
}

async function main() {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, target: { type: 'string' } },
  })
  const { target, seed = String(Math.floor(Math.random() * 2 ** 31)) } = values
  // To see a seed again, its one round is enough.
  const minutes = Number(values.minutes ?? (values.seed === undefined ? 1 : 0.001))
  const names = target === undefined ? Object.keys(TARGETS) : [target]
  if (!(minutes > 0) || !/^\d+$/.test(seed) || names.some((name) => !Object.hasOwn(TARGETS, name))) {
    console.error(`fuzz: --minutes N [--seed S] [--target ${Object.keys(TARGETS).join('|')}]`)
    return 2
  }
  await setUp({ forTests: true })
  let failed = 0
  for (const name of names) {
    rmSync(join(REPORTS, `${name}.json`), { force: true })
    if ((await play(name, seed, (minutes * 60) / names.length)) !== 0) failed++
  }
  console.log('')
  for (const name of names) console.log(`fuzz: ${name.padEnd(10)} ${summary(name)}`)
  const finds = existsSync(REPORTS) ? readdirSync(REPORTS).filter((file) => file.endsWith('.txt')) : []
  for (const file of finds) console.log(`fuzz: found, in dist/fuzz/${file}`)
  return failed === 0 ? 0 : 1
}

async function play(name, seed, seconds) {
  const file = `test/fuzz/${TARGETS[name]}.test.ts`
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'node', file, '-t', `^${name}:`]
  const env = { ...projectEnvironment(), FUZZ_SECONDS: String(seconds), FUZZ_SEED: seed }
  return (await run('vitest', args, { env })).status
}

function summary(name) {
  const path = join(REPORTS, `${name}.json`)
  if (!existsSync(path)) return 'failed'
  const { inputs, rounds, seconds, firstSeed, lastSeed, measuredFirst, measuredLast } = JSON.parse(
    readFileSync(path, 'utf8'),
  )
  const held = Object.keys(measuredFirst).map((what) => `${what} ${measuredFirst[what]} → ${measuredLast[what]}`)
  return [`${inputs} inputs, ${rounds} seeds from ${firstSeed} to ${lastSeed}, ${seconds} s`, ...held].join('; ')
}
