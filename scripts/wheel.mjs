// `npm run wheel`: build the wheel, install it alone into an empty environment, and see that it works there.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { excerpt, ROOT, run, VENV_PYTHON } from './command.mjs'
import { setUp } from './setup.mjs'

const DIST = join(ROOT, 'dist')
const DATA = 'import sys, scanpy; scanpy.datasets.pbmc68k_reduced().write_h5ad(sys.argv[1])'

async function must(program, programArguments, options = {}) {
  const { status, output } = await run(program, programArguments, { quiet: true, ...options })
  if (status !== 0) throw new Error(`${program} ${programArguments.join(' ')} failed.\n${excerpt(output)}`)
}

/** @returns {Promise<string>} the wheel's file; older wheels are removed, so that `dist/` holds one */
async function buildWheel() {
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

try {
  await setUp()
  const wheel = await buildWheel()
  const folder = mkdtempSync(join(tmpdir(), 'wheel-'))
  try {
    await tryAlone(wheel, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} catch (error) {
  console.error(`wheel: ${error.message}`)
  process.exitCode = 1
}
