// `npm start`: set up on the machine's own Node, then go on with Node 24.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { NODE, projectEnvironment, ROOT } from './command.mjs'
import { setUp } from './setup.mjs'

const USAGE = 'Usage: npm start -- [--headless] [--notebook PATH]'

/** @throws {Error} for arguments that mean nothing, or a notebook that is not there */
function readArguments() {
  const { values } = parseArgs({
    options: {
      headless: { type: 'boolean', default: false },
      notebook: { type: 'string', default: join(ROOT, 'examples/quickstart.ipynb') },
    },
  })
  const notebook = resolve(process.env.INIT_CWD ?? '.', values.notebook)
  if (!existsSync(notebook)) throw new Error(`There is no notebook ${notebook}. ${USAGE}`)
  return { headless: values.headless, notebook }
}

/** Hand over to Node 24. Ctrl+C reaches both; this one waits, so that the prompt comes back when all has ended. */
function goOn(script, notebook) {
  const child = spawn(NODE, [join(import.meta.dirname, script), notebook], {
    stdio: 'inherit',
    env: projectEnvironment(),
  })
  process.on('SIGINT', () => console.log('start: ending JupyterLab …'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('exit', (code) => done(code ?? 1))
  })
}

try {
  const { headless, notebook } = readArguments()
  await setUp({ needsBrowser: headless })
  process.exitCode = await goOn(headless ? 'run-notebook.mjs' : 'open-notebook.mjs', notebook)
} catch (error) {
  console.error(`start: ${error.message}`)
  process.exitCode = 1
}
