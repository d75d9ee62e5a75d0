// Runs on the machine's own Node (20 or newer) before any package is installed: no dependencies, no TypeScript.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isBuildCurrent } from './build-stamp.mjs'
import { findChromium, installChromium } from './chromium.mjs'
import { excerpt, isMain, machineEnvironment, NODE, ROOT, run, VENV_PYTHON } from './command.mjs'

const NODE_MAJOR = 24
const OLDEST_PYTHON = [3, 10]
/** zarr and cellucid publish nothing of today for an older one, and the tests read what they write. */
const OLDEST_PYTHON_OF_TESTS = [3, 11]
/** Their `prepare()` writes the folders that tests read: one release of each format. */
const EXPORTERS = ['0.0.9', '0.9.4']
const BUNDLES = ['widget.js', 'page/index.html', 'page/hosted.html', 'server.mjs', 'cli.mjs'].map((file) =>
  join(ROOT, 'python/cellucid_notebook/_static', file),
)

/**
 * Bring the checkout to where everything runs: packages, virtual environment, bundles, and a browser when asked for.
 * What is in place is left alone, so that a second run takes a second.
 * @param {{needsBrowser?: boolean, forTests?: boolean}} [options]
 * @throws {Error} with one clear sentence on what is missing and what to do
 */
export async function setUp({ needsBrowser = false, forTests = false } = {}) {
  await installNodePackages()
  await installPythonPackages(forTests ? OLDEST_PYTHON_OF_TESTS : OLDEST_PYTHON)
  if (forTests) await installExporters()
  await installProject()
  await build()
  if (needsBrowser && findChromium() === null) await step('installing Chromium', installChromium)
}

async function installNodePackages() {
  const stamp = stampOf('node_modules/.stamps/packages', ['package-lock.json', '.npmrc'])
  if (!stamp.isCurrent()) {
    await step('installing Node packages', async () => {
      const options = { env: machineEnvironment(), quiet: true }
      await must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], options)
    })
    stamp.write()
  }
  const { status, output } = await run(NODE, ['--version'], { quiet: true })
  if (status === 0 && Number(/^v(\d+)/.exec(output)?.[1]) === NODE_MAJOR) return
  stamp.remove()
  throw new Error(
    `node_modules/.bin/node must be Node ${NODE_MAJOR}, and is ${status === 0 ? output.trim() : 'missing'}. ` +
      'The npm package `node` fetches it in an install script: allow install scripts (npm config get ignore-scripts ' +
      'must say false), then run again.',
  )
}

async function installPythonPackages(oldest) {
  let version = existsSync(VENV_PYTHON) ? await pythonWithPip() : null
  if (version === null || Number(version.split('.')[1]) < oldest[1]) {
    const python = await findPython(oldest)
    await step('creating the virtual environment', () =>
      must(python, ['-m', 'venv', '--clear', '.venv'], { env: machineEnvironment(), quiet: true }),
    )
    version = await pythonWithPip()
  }
  // What numpy, zarr and anndata publish now does not run on Python 3.10, so it has pins of its own.
  const requirements = version === '3.10' ? 'requirements-dev-3.10.txt' : 'requirements-dev.txt'
  const stamp = stampOf('.venv/.stamps/requirements', [requirements])
  if (stamp.isCurrent()) return
  await step('installing Python packages', () => pip(['install', '--no-deps', '-r', requirements]))
  stamp.write()
}

/** The version of the virtual environment, such as `3.11`; `null` when it does not work. */
async function pythonWithPip() {
  const probe = 'import pip, sys; print(*sys.version_info[:2], sep=".")'
  const { status, output } = await run(VENV_PYTHON, ['-c', probe], { quiet: true })
  return status === 0 ? output.trim() : null
}

/** Each apart from the others and from the environment, whose packages it imports. */
async function installExporters() {
  for (const version of EXPORTERS) {
    const folder = `.venv/exporters/cellucid-${version}`
    const stamp = stampOf(`${folder}/.stamp`, ['requirements-dev.txt'])
    if (stamp.isCurrent()) continue
    rmSync(join(ROOT, folder), { recursive: true, force: true })
    await step(`installing cellucid ${version}`, () =>
      pip(['install', '--no-deps', '--target', join(ROOT, folder), `cellucid==${version}`]),
    )
    stamp.write()
  }
}

/** Python imports the project from the checkout: `pip install -e .` */
async function installProject() {
  const stamp = stampOf('.venv/.stamps/project', ['pyproject.toml', 'package.json', 'python/jupyter_server_config.d'])
  if (stamp.isCurrent()) return
  await step('installing the project into the virtual environment', () =>
    pip(['install', '--no-deps', '--no-build-isolation', '-e', '.']),
  )
  stamp.write()
}

async function build() {
  if (BUNDLES.every(existsSync) && isBuildCurrent(ROOT)) return
  await step('building', () => must(NODE, ['esbuild.config.mjs'], { quiet: true }))
}

async function findPython(oldest) {
  const probe = 'import sys; print(*sys.version_info[:2]); import ensurepip, venv'
  const found = []
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const { status, output } = await run(name, ['-c', probe], { env: machineEnvironment(), quiet: true })
    const version = /^(\d+) (\d+)\n/.exec(output)?.slice(1).map(Number)
    if (version === undefined) continue
    const isNewEnough = version[0] === oldest[0] && version[1] >= oldest[1]
    if (status === 0 && isNewEnough) return name
    found.push(`${name} is ${version.join('.')}${isNewEnough ? ' but lacks venv' : ''}`)
  }
  throw new Error(
    `This needs Python ${oldest.join('.')} or newer with venv; ${found.join(', ') || 'found no python3'}. ` +
      'Install it (Debian, Ubuntu: apt-get install python3 python3-venv), then run again.',
  )
}

function pip(pipArguments) {
  const quietly = ['-m', 'pip', '--disable-pip-version-check', '-qq', ...pipArguments]
  return must(VENV_PYTHON, quietly, { quiet: true })
}

async function must(program, programArguments, options) {
  const { status, output } = await run(program, programArguments, options)
  if (status === 0) return
  throw new Error(`${[program, ...programArguments].join(' ')} failed with status ${status}.\n${excerpt(output)}`)
}

async function step(title, work) {
  const startMs = performance.now()
  console.log(`setup: ${title} …`)
  await work()
  console.log(`setup: ${title} took ${((performance.now() - startMs) / 1000).toFixed(0)} s`)
}

/**
 * Remember in a file what a step was done for. The file lies inside what the step makes, and goes with it.
 * @param {string} file
 * @param {string[]} sources files and folders whose content decides
 */
function stampOf(file, sources) {
  const path = join(ROOT, file)
  const hash = createHash('sha256')
  for (const source of sources.flatMap((entry) => filesUnder(join(ROOT, entry)))) {
    hash.update(`${relative(ROOT, source)}\0`).update(readFileSync(source))
  }
  const current = hash.digest('hex')
  return {
    isCurrent: () => existsSync(path) && readFileSync(path, 'utf8') === current,
    write: () => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, current)
    },
    remove: () => rmSync(path, { force: true }),
  }
}

function filesUnder(path) {
  const entries = readdirSync(dirname(path), { withFileTypes: true })
  const entry = entries.find(({ name }) => join(dirname(path), name) === path)
  if (entry === undefined) return []
  if (!entry.isDirectory()) return [path]
  const inside = readdirSync(path, { withFileTypes: true, recursive: true })
  return inside
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath ?? file.path, file.name))
    .sort()
}

if (isMain(import.meta)) {
  try {
    await setUp({ needsBrowser: true, forTests: true })
    console.log('setup: everything is in place')
  } catch (error) {
    console.error(`setup: ${error.message}`)
    process.exitCode = 1
  }
}
