// `npm test`: set up, then every suite, whatever the one before it said. The last line tells the sum.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { check } from './check.mjs'
import { ROOT, run, VENV_PYTHON } from './command.mjs'
import { setUp } from './setup.mjs'

const REPORTS = join(ROOT, 'dist/test')
const VITEST = ['run', '--config', 'test/vitest.config.ts', '--reporter', 'default', '--reporter', 'json']

const SUITES = [
  { name: 'check', run: check },
  { name: 'vitest', run: () => vitest('vitest', ['node', 'dom', 'browser']) },
  { name: 'pytest', run: pytest },
  { name: 'end to end', run: () => vitest('e2e', ['e2e']) },
]

async function vitest(name, projects) {
  const report = join(REPORTS, `${name}.json`)
  const selected = projects.flatMap((project) => ['--project', project])
  const { status } = await run('vitest', [...VITEST, '--outputFile.json', report, ...selected])
  if (!existsSync(report)) return counted({ passed: 0, failed: 0, skipped: 0, status })
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  // A file that cannot be loaded, or whose set-up fails before any test, has failed without a failed test.
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return counted({
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests,
    status,
  })
}

async function pytest() {
  const report = join(REPORTS, 'pytest.xml')
  const { status } = await run(VENV_PYTHON, ['-m', 'pytest', '-q', `--junitxml=${report}`])
  if (!existsSync(report)) return counted({ passed: 0, failed: 0, skipped: 0, status })
  const suite = /<testsuite [^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] ?? ''
  const [tests, failures, errors, skipped] = ['tests', 'failures', 'errors', 'skipped'].map((attribute) =>
    Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0),
  )
  return counted({ passed: tests - failures - errors - skipped, failed: failures + errors, skipped, status })
}

/** A runner that failed while every test passed (no test found, an unhandled rejection) counts as one failure. */
function counted({ passed, failed, skipped, status }) {
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped }
}

async function runSuites() {
  rmSync(REPORTS, { recursive: true, force: true })
  mkdirSync(REPORTS, { recursive: true })
  const results = []
  for (const suite of SUITES) {
    const startMs = performance.now()
    console.log(`\ntest: ${suite.name} …`)
    const { passed, failed, skipped = 0 } = await suite.run()
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0)
    results.push({ name: suite.name, passed, failed, skipped, seconds })
  }
  console.log('')
  for (const { name, passed, failed, skipped, seconds } of results) {
    console.log(`test: ${name.padEnd(10)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s`)
  }
  return results
}

function sum(results, key) {
  return results.reduce((total, result) => total + result[key], 0)
}

try {
  await setUp({ needsBrowser: true, forTests: true })
  const results = await runSuites()
  const failed = sum(results, 'failed')
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`${sum(results, 'passed')} passed, ${failed} failed`)
} catch (error) {
  console.error(`test: ${error.message}`)
  process.exitCode = 1
  console.log('0 passed, 1 failed')
}
