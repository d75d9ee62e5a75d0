import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** State and inode in a line of /proc/net/tcp; see proc(5). */
const LISTENING = '0A'
const STATE_COLUMN = 3
const INODE_COLUMN = 9

/**
 * The name and number of a process that listens on this port.
 * @returns `null` where the system does not say, as for another user's process
 */
export async function ownerOfPort(port: number): Promise<string | null> {
  if (process.platform !== 'linux') return null
  const inodes = await listeningInodes(port)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (await holdsOneOf(pid, inodes)) return `${await nameOf(pid)} (process ${pid})`
  }
  return null
}

/** As it was started; what it calls itself is the name of a thread in some, Node among them. */
async function nameOf(pid: string): Promise<string> {
  const [program = ''] = (await readOrEmpty(`/proc/${pid}/cmdline`)).split('\0')
  return basename(program) || (await readOrEmpty(`/proc/${pid}/comm`)).trim()
}

async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readOrEmpty))
  const rows = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
  const own = rows.filter((columns) => columns[1]?.endsWith(suffix) === true && columns[STATE_COLUMN] === LISTENING)
  return new Set(own.map((columns) => `socket:[${columns[INODE_COLUMN]}]`))
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  // Processes end while they are looked at, and those of others may not be: both are read as holding nothing.
  const names = await readdir(folder).catch(() => [])
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')))
  return links.some((link) => sockets.has(link))
}

function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
