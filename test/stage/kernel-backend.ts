import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startLab } from '../../scripts/jupyter-lab.mjs'
import { makeOwnNetwork } from './own-network.ts'

/** Real kernels without a front end: what stands behind notebooks that are not Jupyter's own. */
export type KernelBackend = {
  /** Port of the Jupyter server, with no proxy in it. */
  port: number
  /** Where the kernels run. */
  folder: string
  /** Start a kernel. @returns the address of its socket, with the secret, and its name */
  startKernel(): Promise<{ url: string; kernel: { id: string; name: string } }>
  stop(): Promise<void>
}

export type BackendOptions = {
  logFile: string
  /** The kernels' machine is another one: of its ports only Jupyter's is reached. */
  ownNetwork?: boolean
  environment?: Record<string, string>
}

export async function startKernelBackend(options: BackendOptions): Promise<KernelBackend> {
  const folder = mkdtempSync(join(tmpdir(), 'kernels-'))
  const port = await freePort()
  const network = options.ownNetwork === true ? await makeOwnNetwork(port) : null
  const server = await startLab({
    folder,
    port,
    logFile: options.logFile,
    serverProxy: false,
    labArguments: ['--ServerApp.allow_origin=*'],
    environment: options.environment ?? {},
    within: network?.command ?? [],
  })
  return {
    port,
    folder,
    async startKernel() {
      const headers = { authorization: `token ${server.token}` }
      const started = await fetch(`${server.url}api/kernels`, { method: 'POST', headers, body: '{}' })
      if (!started.ok) throw new Error(`Jupyter started no kernel: ${started.status} ${await started.text()}`)
      // Documented answer of Jupyter's own interface.
      const kernel = (await started.json()) as { id: string; name: string }
      const url = `ws://127.0.0.1:${port}/api/kernels/${kernel.id}/channels?token=${server.token}`
      return { url, kernel: { id: kernel.id, name: kernel.name } }
    },
    async stop() {
      await server.stop()
      await network?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
