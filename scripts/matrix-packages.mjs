import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { excerpt, ROOT, run, VENV_PYTHON } from './command.mjs'

const REQUIREMENTS = join(ROOT, 'test/matrix/requirements.txt')
const FOLDER = join(ROOT, '.venv/matrix')

/** Folder of the Python packages that only the matrix needs; it goes to the front of `PYTHONPATH`. */
export function matrixPackages() {
  return FOLDER
}

/** Install them, apart from the environment whose packages they import; what is in place is left alone. */
export async function installMatrixPackages() {
  const stamp = join(FOLDER, '.stamp')
  const wanted = readFileSync(REQUIREMENTS, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  console.log('matrix: installing what only the matrix needs …')
  const install = ['-m', 'pip', '--disable-pip-version-check', '-qq', 'install', '--no-deps', '--target', FOLDER]
  const { status, output } = await run(VENV_PYTHON, [...install, '-r', REQUIREMENTS], { quiet: true })
  if (status !== 0) throw new Error(`the matrix's own packages could not be installed.\n${excerpt(output)}`)
  writeFileSync(stamp, wanted)
}
