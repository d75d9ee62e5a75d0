import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ROOT, run, VENV_PYTHON } from '../../command.mjs'

const VERSION = '0.9.5'
const START_TIMEOUT_MS = 60_000

export type Peer = { base: string; version: string; pid: number | undefined; stop(): Promise<void> }

/** cellucid's own Python server over a file, installed by the bench; `null` where it cannot be had. */
export async function startCellucid(file: string, port: number): Promise<Peer | null> {
  const folder = join(ROOT, 'dist/bench', `cellucid-${VERSION}`)
  if (!existsSync(folder)) {
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, `cellucid==${VERSION}`]
    const { status } = await run(VENV_PYTHON, install, { quiet: true })
    if (status !== 0) return null
  }
  const options = ['--port', String(port), '--no-browser', '--no-web-ui', '--quiet']
  const names = ['--dataset-name', 'bench', '--dataset-id', 'bench']
  const child = spawn(VENV_PYTHON, ['-m', 'cellucid.cli', 'serve', file, ...options, ...names], {
    env: { ...process.env, PYTHONPATH: folder },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const base = `http://127.0.0.1:${port}/`
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`${base}_cellucid/health`).catch(() => null)
    if (answer?.ok === true) {
      const stop = async () => {
        child.kill()
        await ended
      }
      return { base, version: VERSION, stop, pid: child.pid }
    }
    await setTimeout(100)
  }
  child.kill()
  await ended
  return null
}
