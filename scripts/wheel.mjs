// `npm run wheel`: build the wheel, install it alone into an empty environment, and see that it works there: first from a
// script, then the quickstart in JupyterLab.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { excerpt, NODE, projectEnvironment, ROOT, run, VENV_PYTHON } from './command.mjs'
import { setUp } from './setup.mjs'

const DIST = join(ROOT, 'dist')
const DATA = 'import sys, scanpy; scanpy.datasets.pbmc68k_reduced().write_h5ad(sys.argv[1])'

async function must(program, programArguments, options = {}) {
  const { status, output } = await run(program, programArguments, { quiet: true, ...options })
  if (status !== 0) throw new Error(`${program} ${programArguments.join(' ')} failed.\n${excerpt(output)}`)
}

/** @returns {Promise<string>} the wheel's file; older wheels are removed, so that `dist/` holds one */
async function buildWheel() {
  mkdirSync(DIST, { recursive: true })
  for (const old of wheels()) rmSync(old)
  await must(VENV_PYTHON, ['-m', 'build', '--wheel', '--no-isolation', '--outdir', DIST])
  const [wheel] = wheels()
  console.log(`wheel: ${wheel}, ${(statSync(wheel).size / 1e6).toFixed(1)} MB`)
  return wheel
}

function wheels() {
  return readdirSync(DIST)
    .filter((file) => file.endsWith('.whl'))
    .map((file) => join(DIST, file))
}

async function tryAlone(wheel, folder) {
  const python = join(folder, 'venv/bin/python')
  const data = join(folder, 'pbmc.h5ad')
  await must(VENV_PYTHON, ['-m', 'venv', join(folder, 'venv')])
  await must(python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'install', wheel])
  await must(VENV_PYTHON, ['-W', 'ignore', '-c', DATA, data])
  const env = { HOME: folder, PATH: join(folder, 'venv/bin') }
  const smoke = [join(ROOT, 'scripts/wheel_smoke.py'), data]
  const { status } = await run(python, smoke, { env, cwd: folder })
  if (status !== 0) throw new Error('The wheel does not work alone.')
}

/** The quickstart, whose kernel is the environment with the wheel. JupyterLab and scanpy are lent to it. */
async function tryQuickstart(folder) {
  const python = join(folder, 'venv/bin/python')
  const sitePackages = 'import sysconfig; print(sysconfig.get_paths()["purelib"], end="")'
  const [{ output: own }, { output: lent }] = await Promise.all(
    [python, VENV_PYTHON].map((program) => run(program, ['-c', sitePackages], { quiet: true })),
  )
  // By a .pth file they come after the wheel's own, and the project's editable install is not among them.
  writeFileSync(join(own, 'lent.pth'), `${lent}\n`)
  await seeExtension(python, folder)
  const kernel = join(folder, 'jupyter/kernels/python3')
  mkdirSync(kernel, { recursive: true })
  const spec = {
    display_name: 'Python 3',
    language: 'python',
    argv: [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
    env: { PATH: join(folder, 'venv/bin'), PYTHONPATH: '' },
  }
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify(spec))
  const env = { ...projectEnvironment(), JUPYTER_PATH: join(folder, 'jupyter') }
  const notebook = [join(ROOT, 'scripts/run-notebook.mjs'), join(ROOT, 'examples/quickstart.ipynb')]
  const { status } = await run(NODE, notebook, { env })
  if (status !== 0) throw new Error('The quickstart does not run with the wheel.')
}

/** Installed, the extension of the notebook server is on, and can be loaded. */
async function seeExtension(python, folder) {
  const list = 'from jupyter_server.extension.serverextension import main; main(["list"])'
  const { output } = await run(python, ['-c', list], { quiet: true, env: { ...projectEnvironment(), HOME: folder } })
  const isOn = /cellucid_notebook_door \S*enabled/.test(output) && /cellucid_notebook_door +\S*OK/.test(output)
  if (!isOn) {
    throw new Error(`The extension of the notebook server is not on.\n${excerpt(output)}`)
  }
}

try {
  await setUp({ needsBrowser: true })
  const wheel = await buildWheel()
  const folder = mkdtempSync(join(tmpdir(), 'wheel-'))
  try {
    await tryAlone(wheel, folder)
    await tryQuickstart(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} catch (error) {
  console.error(`wheel: ${error.message}`)
  process.exitCode = 1
}
