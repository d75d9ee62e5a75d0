// `npm run matrix [names]`: set up, play the scenario in every environment of the table, or in those named, and write
// down what came of it: dist/matrix.json, the tables of the README and of docs/environments.md, where environments that
// were not played keep their rows. A failure stops nothing.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE, projectEnvironment, ROOT, run } from './command.mjs'
import { writeMatrixDocs } from './matrix-docs.mjs'
import { installMatrixPackages } from './matrix-packages.mjs'
import { setUp } from './setup.mjs'

const DIST = join(ROOT, 'dist')
const MATRIX = join(DIST, 'matrix.json')

try {
  await setUp({ needsBrowser: true, forTests: true })
  await installMatrixPackages()
  process.exitCode = await playAll(process.argv.slice(2))
} catch (error) {
  console.error(`matrix: ${error.message}`)
  process.exitCode = 1
}

/** @returns the status of the process */
async function playAll(names) {
  const environments = await table()
  const unknown = names.filter((name) => !environments.some((environment) => environment.name === name))
  if (unknown.length > 0) {
    console.error(`matrix: no environment is called ${unknown.join(', ')}; there are:`)
    for (const { name, title } of environments) console.error(`  ${name.padEnd(20)} ${title}`)
    return 2
  }
  const startMs = performance.now()
  if (names.length === 0) rmSync(join(DIST, 'matrix'), { recursive: true, force: true })
  const { status } = await run('vitest', ['run', '--config', 'test/vitest.config.ts', '--project', 'matrix'], {
    env: { ...projectEnvironment(), MATRIX: names.join(' ') },
  })
  const rows = environments.flatMap(({ name }) => rowOf(name) ?? [])
  mkdirSync(DIST, { recursive: true })
  writeFileSync(MATRIX, `${JSON.stringify(rows, null, 2)}\n`)
  const played = rows.filter(({ environment }) => names.length === 0 || names.includes(environment))
  writeMatrixDocs(environments, played)
  const failed = rows.filter(({ ok }) => !ok)
  const minutes = ((performance.now() - startMs) / 60_000).toFixed(1)
  console.log(
    `matrix: ${rows.length - failed.length} of ${rows.length} environments work, written to dist/matrix.json; ${minutes} min`,
  )
  for (const { environment, note } of failed) console.log(`matrix: ${environment}: ${note}`)
  return status
}

/** The table is TypeScript, which the Node of the project reads and that of the machine may not. */
async function table() {
  const list = `import { ENVIRONMENTS } from './test/matrix/environments.ts'
console.log(JSON.stringify(ENVIRONMENTS.map(({ name, title, isFaulty }) => ({ name, title, isFaulty }))))`
  const { status, output } = await run(NODE, ['--input-type=module', '--eval', list], { quiet: true })
  if (status !== 0) throw new Error(`the table of environments cannot be read.\n${output}`)
  return JSON.parse(output)
}

/** What was last seen of one environment; `null` where nobody has looked, or the run ended before it wrote. */
function rowOf(name) {
  const file = join(DIST, 'matrix', `${name}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}
