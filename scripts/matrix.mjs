// `npm run matrix [names]`: play the scenario in every environment of the table, or in those named, and write down what
// came of it: dist/matrix.json, the table of the README and that of docs/environments.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENVIRONMENTS } from '../test/e2e/environments.ts'
import { projectEnvironment, ROOT, run } from './command.mjs'
import { writeMatrixDocs } from './matrix-docs.mjs'

const DIST = join(ROOT, 'dist')
const MATRIX = join(DIST, 'matrix.json')

/** What this run wrote of one environment; `null` where it was not asked for, or ended before it wrote. */
function rowOf(name) {
  const file = join(DIST, 'matrix', `${name}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !ENVIRONMENTS.some((environment) => environment.name === name))
if (unknown.length > 0) {
  console.error(`matrix: no environment is called ${unknown.join(', ')}; there are:`)
  for (const { name, title } of ENVIRONMENTS) console.error(`  ${name.padEnd(20)} ${title}`)
  process.exit(2)
}

const { status } = await run('vitest', ['run', '--config', 'test/vitest.config.ts', '--project', 'matrix'], {
  env: { ...projectEnvironment(), MATRIX: names.join(' ') },
})
const rows = ENVIRONMENTS.flatMap(({ name }) => rowOf(name) ?? [])
mkdirSync(DIST, { recursive: true })
writeFileSync(MATRIX, `${JSON.stringify(rows, null, 2)}\n`)
writeMatrixDocs(rows)
const failed = rows.filter(({ ok }) => !ok)
console.log(`matrix: ${rows.length - failed.length} of ${rows.length} environments work, written to dist/matrix.json`)
for (const { environment, note } of failed) console.log(`matrix: ${environment}: ${note}`)
process.exitCode = status
