import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { TIED_TO_US } from '../../scripts/command.mjs'
import { freePort } from '../../scripts/jupyter-lab.mjs'
import { matrixPackages } from '../../scripts/matrix-packages.mjs'
import type { LabOptions } from './lab-stage.ts'
import { makeOwnNetwork } from './own-network.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const START_TIMEOUT_MS = 60_000

/** Starts kernels on a machine of its own, of which only its port is reached. */
export type KernelGateway = {
  /** For the notebook server that has its kernels there. */
  lab: Pick<LabOptions, 'labArguments' | 'environment'>
  stop(): Promise<void>
}

/** A real Jupyter Kernel Gateway; needs the packages of the matrix. @param logFile what it and its kernels say */
export async function startKernelGateway(logFile: string): Promise<KernelGateway> {
  const port = await freePort()
  const token = randomBytes(24).toString('hex')
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  const network = await makeOwnNetwork(port)
  const child = start([...TIED_TO_US, ...network.command], { port, token, folder, logFile })
  const stop = async () => {
    await end(child)
    await network.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await answering(`${url}/api/kernelspecs?token=${token}`, child, logFile)
  } catch (error) {
    await stop()
    throw error
  }
  const environment = { JUPYTER_GATEWAY_AUTH_TOKEN: token }
  return { lab: { labArguments: [`--gateway-url=${url}`], environment }, stop }
}

type Start = { port: number; token: string; folder: string; logFile: string }

function start(within: readonly string[], { port, token, folder, logFile }: Start): ChildProcess {
  const [program = '', ...before] = [...within, join(ROOT, '.venv/bin/python')]
  // JupyterLab asks which kernels run.
  const lists = '--JupyterWebsocketPersonality.list_kernels=True'
  const options = [lists, `--KernelGatewayApp.port=${port}`, '--KernelGatewayApp.port_retries=0']
  const child = spawn(program, [...before, '-m', 'kernel_gateway', '--KernelGatewayApp.ip=127.0.0.1', ...options], {
    cwd: folder,
    env: {
      ...process.env,
      PYTHONPATH: matrixPackages(),
      JUPYTER_CONFIG_DIR: join(folder, 'config'),
      JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
      IPYTHONDIR: join(folder, 'ipython'),
      KG_AUTH_TOKEN: token, // not in argv, which every user of the machine can read
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that its end reaches the kernels too
  })
  mkdirSync(dirname(logFile), { recursive: true })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  return child
}

async function answering(url: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS)
  while (child.exitCode === null && !deadline.aborted) {
    const response = await fetch(url, { signal: deadline }).catch(() => null)
    if (response?.ok === true) return
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`The kernel gateway did not answer (exit code ${child.exitCode}); its log is ${logFile}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
