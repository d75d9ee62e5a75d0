import { isMain, run } from './command.mjs'

const CHECKS = [
  'biome ci --colors=off .',
  'tsc',
  'tsc -p data',
  'tsc -p server',
  'tsc -p test',
  'knip --no-config-hints',
  'ruff check .',
  'ruff format --check .',
  // For the oldest Python, as pyproject.toml says, and for the newest.
  'mypy',
  'mypy --python-version 3.14',
]

/**
 * Run every tool that reads the sources without running them, and show what a failing one says.
 * @returns {Promise<{passed: number, failed: number}>} each tool counts as one test
 */
export async function check() {
  let failed = 0
  for (const line of CHECKS) {
    const [program, ...programArguments] = line.split(' ')
    const { status, output } = await run(program, programArguments, { quiet: true })
    console.log(`check: ${line} ${status === 0 ? 'passed' : `failed with status ${status}\n${output.trimEnd()}`}`)
    if (status !== 0) failed++
  }
  return { passed: CHECKS.length - failed, failed }
}

if (isMain(import.meta)) process.exitCode = (await check()).failed === 0 ? 0 : 1
