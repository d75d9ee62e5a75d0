// `npm run test:firefox [paths]`: end-to-end tests in Firefox; those of what a notebook does to an output, or those named.
import { projectEnvironment, run } from './command.mjs'
import { whyNoFirefox } from './firefox.mjs'
import { setUp } from './setup.mjs'

const missing = whyNoFirefox()
if (missing === null) {
  await setUp({ needsBrowser: true, forTests: true })
  const asked = process.argv.slice(2)
  const tests = asked.length > 0 ? asked : ['test/e2e/manners']
  const { status } = await run('vitest', ['run', '--config', 'test/vitest.config.ts', '--project', 'e2e', ...tests], {
    env: { ...projectEnvironment(), TEST_BROWSER: 'firefox' },
  })
  process.exitCode = status
} else {
  console.log(`test: nothing was run in Firefox, ${missing}.`)
}
