import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT, VENV_PYTHON } from '../../command.mjs'

const run = promisify(execFile)

const BENCH = join(import.meta.dirname, '..')
const ENVIRONMENT = join(BENCH, '.venv')
const PYTHON = join(ENVIRONMENT, 'bin/python')
const MADE = join(ENVIRONMENT, 'made')

/**
 * An environment of the bench's own: the packages of the project's, and the peer on top. So one kernel has both.
 * @returns its Python
 */
export async function benchPython(): Promise<string> {
  if (existsSync(MADE)) return PYTHON
  console.log('installing jupyter-scatter')
  rmSync(ENVIRONMENT, { recursive: true, force: true })
  await run(VENV_PYTHON, ['-m', 'venv', ENVIRONMENT])
  const requirements = join(BENCH, 'requirements.txt')
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements])
  // Not a mere path: the project itself is reached by a file of this kind in that folder.
  const line = `import site; site.addsitedir(${JSON.stringify(packagesOf(join(ROOT, '.venv')))})\n`
  writeFileSync(join(packagesOf(ENVIRONMENT), 'project.pth'), line)
  writeFileSync(MADE, '')
  return PYTHON
}

/** Make `python3` in the notebook mean this Python. @returns what to start JupyterLab with */
export function kernelOf(python: string, folder: string): Record<string, string> {
  const kernel = join(folder, 'share/kernels/python3')
  mkdirSync(kernel, { recursive: true })
  const argv = [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify({ argv, display_name: 'Python 3', language: 'python' }))
  return { JUPYTER_PATH: join(folder, 'share') }
}

function packagesOf(environment: string): string {
  const lib = join(environment, 'lib')
  const [python] = readdirSync(lib).filter((name) => name.startsWith('python'))
  return join(lib, python ?? '', 'site-packages')
}
