// `npm run audit`: ask npm and PyPI for advisories about everything that is locked, the bundled packages among them. What
// is found must be mended or reasoned in docs/audit.md. Needs the network.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { npmFindings, pipFindings, reasonedIn } from './audit-findings.mjs'
import { excerpt, machineEnvironment, ROOT, run, VENV_PYTHON } from './command.mjs'
import { setUp } from './setup.mjs'

const PIP_AUDIT = 'pip-audit==2.10.1'
const FOLDER = join(ROOT, '.venv/audit')
const REQUIREMENTS = ['requirements-dev.txt', 'requirements-dev-3.10.txt']

/** JSON on the last line that looks like it: before it, programs say how they fare. */
async function ask(program, programArguments, env) {
  const { output } = await run(program, programArguments, { env, quiet: true })
  const start = output.search(/^\{/m)
  try {
    return JSON.parse(output.slice(start, output.lastIndexOf('}') + 1))
  } catch {
    throw new Error(`${program} said no JSON:\n${excerpt(output)}`)
  }
}

async function askNpm() {
  return npmFindings(await ask('npm', ['audit', '--json'], machineEnvironment()))
}

/** It has an environment of its own, and asks for what is pinned, without installing it. */
async function askPyPi(requirements) {
  const python = join(FOLDER, 'bin/python')
  if (!existsSync(python)) await run(VENV_PYTHON, ['-m', 'venv', FOLDER], { quiet: true })
  await run(python, ['-m', 'pip', '--disable-pip-version-check', '-q', 'install', PIP_AUDIT], { quiet: true })
  const options = ['--format=json', '--progress-spinner=off', '--no-deps', '--disable-pip', '-r', requirements]
  return pipFindings(await ask(python, ['-m', 'pip_audit', ...options]))
}

await setUp()
const reasoned = reasonedIn(readFileSync(join(ROOT, 'docs/audit.md'), 'utf8'))
const questions = [
  { of: 'package-lock.json', answer: askNpm },
  ...REQUIREMENTS.map((file) => ({ of: file, answer: () => askPyPi(file) })),
]
for (const { of, answer } of questions) {
  try {
    const findings = await answer()
    const open = findings.filter(({ id }) => !reasoned.has(id))
    for (const { id, where, title } of open) console.log(`audit: ${of}: ${id}, ${where}: ${title}`)
    console.log(`audit: ${of}: ${findings.length} advisories, ${findings.length - open.length} of them reasoned`)
    if (open.length > 0) process.exitCode = 1
  } catch (error) {
    console.log(`audit: ${of}: not asked, ${error.message}`)
    process.exitCode = 1
  }
}
