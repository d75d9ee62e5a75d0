import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Relay, startRelay } from './relay.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** A network of its own, as a container has it, with one port published on the same number outside. */
export type OwnNetwork = {
  /** Put in front of the program that is to run inside. */
  command: readonly string[]
  stop(): Promise<void>
}

/** @param port the one that is reached from outside, on 127.0.0.1; needs Linux and `unshare` */
export async function makeOwnNetwork(port: number): Promise<OwnNetwork> {
  const folder = mkdtempSync(join(tmpdir(), 'network-'))
  const socket = join(folder, 'published')
  const relay: Relay = await startRelay({ path: socket }, { port })
  const python = join(ROOT, '.venv/bin/python')
  return {
    command: ['unshare', '-rn', python, join(import.meta.dirname, 'own_network.py'), socket, String(port)],
    async stop() {
      await relay.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
