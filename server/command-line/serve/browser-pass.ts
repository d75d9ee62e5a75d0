import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { OneTimeTokens } from '../../access/one-time-tokens.ts'

/** Columns of /proc/net/tcp; see proc(5). */
const LOCAL_COLUMN = 1
const REMOTE_COLUMN = 2
const UID_COLUMN = 7

/**
 * Passes for the browser that this program itself opens. The address that a browser is started with can be read by
 * every user of the machine, so it holds no secret of a viewer: a pass is good once, soon, and for a connection of the
 * same user.
 */
export class OwnBrowser {
  readonly #passes = new OneTimeTokens()

  makePass(): string {
    const pass = randomBytes(32).toString('hex')
    this.#passes.add(pass)
    return pass
  }

  async takes(pass: string, socket: Socket): Promise<boolean> {
    // Who asks is found out first: a stranger must not use the pass up.
    return (await isOwnUser(socket)) && this.#passes.take(pass)
  }
}

/** Whether the other end of a connection from this machine is a process of the same user; elsewhere than on Linux, yes. */
async function isOwnUser({ remotePort, localPort }: Socket): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid === undefined) return true
  const rows = await connections()
  const ends = rows.filter(
    (row) => portOf(row[LOCAL_COLUMN]) === remotePort && portOf(row[REMOTE_COLUMN]) === localPort,
  )
  const own = String(process.getuid())
  return ends.length > 0 && ends.every((row) => row[UID_COLUMN] === own)
}

async function connections(): Promise<string[][]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  return tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16)
}
