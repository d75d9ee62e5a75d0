import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run, VENV_PYTHON } from '../../scripts/command.mjs'

const ROOT = resolve(import.meta.dirname, '../..')
const SHARED = join(ROOT, '.venv/share/jupyter')

/** A virtual environment with JupyterLab and without this package. */
export type OtherEnvironment = {
  /** Starts JupyterLab there. */
  program: readonly string[]
  /** With them its kernels are those of the project's environment. */
  variables: Record<string, string>
  /** Install this package there, as a user does. */
  install(): Promise<void>
  remove(): void
}

/** All but this package is lent to it by the project's environment. */
export async function makeOtherEnvironment(): Promise<OtherEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), 'other-'))
  const python = join(folder, 'venv/bin/python')
  await must(VENV_PYTHON, ['-m', 'venv', join(folder, 'venv')])
  const sitePackages = ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"], end="")']
  const [own, lent] = await Promise.all([python, VENV_PYTHON].map((program) => must(program, sitePackages)))
  // Python reads no .pth file in a folder that came by one, so that the editable install stays out.
  writeFileSync(join(own ?? '', 'lent.pth'), `${lent}\n`)
  const kernel = join(folder, 'jupyter/kernels/python3')
  mkdirSync(kernel, { recursive: true })
  const argv = [VENV_PYTHON, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify({ display_name: 'Python 3', language: 'python', argv }))
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'install', '--no-deps', '--no-build-isolation']
  return {
    program: [python, '-m', 'jupyterlab'],
    variables: { JUPYTER_PATH: `${join(folder, 'jupyter')}:${SHARED}`, JUPYTERLAB_DIR: join(SHARED, 'lab') },
    install: async () => void (await must(python, [...pip, '--editable', ROOT])),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function must(program: string, programArguments: readonly string[]): Promise<string> {
  const { status, output } = await run(program, [...programArguments], { quiet: true })
  if (status !== 0) throw new Error(`${program} ${programArguments.join(' ')} failed.\n${output}`)
  return output
}
