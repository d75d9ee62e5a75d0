import { chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { LIMITS } from './limits.ts'
import type { Log } from './log.ts'

/** A second way in beside the port: a socket file that nobody but this user can open, or put another in its place. */
export type Door = {
  /** Take it away. Its connections are the server's, and end with that. */
  close(): Promise<void>
}

/** As the extension of the notebook server looks for it (`cellucid_notebook_door/_socket_file.py`). */
const FOLDER = /^cellucid-[0-9a-f]{32}$/
const SOCKET_NAME = 's'
/** Beside it: the machine on which it listens. On a home that machines share, others see the file and no listener. */
const HOST_NAME = 'host'

/** Of a socket's address, without its end; longer ones are cut off without a word: unix(7). */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107

/** A folder without a listener may be of a server that starts right now, or again. */
const LEFT_AFTER_MS = 60_000

/** @returns `null` where there can be none: the browser takes the next address */
export async function openDoor(server: Server, folder: string, log: Log): Promise<Door | null> {
  const path = join(folder, SOCKET_NAME)
  try {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES)
      throw new Error(`A socket's path has ${MAX_PATH_BYTES} bytes at most.`)
    await makeOwnFolder(folder)
    await rm(path, { force: true })
    await writeFile(join(folder, HOST_NAME), hostname())
    const door = createServer({ allowHalfOpen: true }, (socket) => server.emit('connection', socket))
    door.maxConnections = LIMITS.sockets
    await new Promise<void>((resolve, reject) => door.once('error', reject).listen(path, resolve))
    await chmod(path, 0o600)
    void removeLeftovers(dirname(folder)).catch((error) => log.debug('Old socket files stay', { error }))
    return {
      async close() {
        door.close()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    log.info('No socket file for the notebook server', { error })
    return null
  }
}

/** A server before this one may have left it, with this user's rights alone. */
async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (!(await isOwnFolder(folder))) throw new Error(`${folder} is not this user's alone.`)
}

async function isOwnFolder(folder: string): Promise<boolean> {
  const facts = await lstat(folder)
  return facts.isDirectory() && facts.uid === process.getuid?.() && (facts.mode & 0o077) === 0
}

/** Of servers that could not take theirs away: killed together with their kernels. */
export async function removeLeftovers(parent: string): Promise<void> {
  for (const name of (await readdir(parent)).filter((each) => FOLDER.test(each))) {
    const folder = join(parent, name)
    if (!(await isOwnFolder(folder)) || !(await isOld(folder)) || (await isElsewhere(folder))) continue
    if (!(await isAnswered(join(folder, SOCKET_NAME)))) await rm(folder, { recursive: true, force: true })
  }
}

async function isElsewhere(folder: string): Promise<boolean> {
  const host = await readFile(join(folder, HOST_NAME), 'utf8').catch(() => null)
  return host !== null && host !== hostname()
}

async function isOld(folder: string): Promise<boolean> {
  return Date.now() - (await lstat(folder)).mtimeMs > LEFT_AFTER_MS
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
