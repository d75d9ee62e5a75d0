import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, parse } from 'node:path'
import { messageOf } from '../../../protocol/errors.ts'
import { HOSTED_CACHE_VARIABLE } from '../../process/config.ts'

/** The hosted viewer's files are not read from here, or not written here; the message says why and what to do. */
export class CacheRefusedError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CacheRefusedError'
  }
}

const NAME_ANOTHER = `Let ${HOSTED_CACHE_VARIABLE} name a folder that is yours alone.`

/**
 * Make the folder where there is none, and see that it is a folder of this user's that nobody else may write to.
 * @throws CacheRefusedError
 */
export async function openPlace(place: string): Promise<void> {
  await refuseShared(place)
  try {
    await mkdir(place, { recursive: true, mode: 0o700 })
  } catch (cause) {
    // A symlink that leads nowhere exists, and is no folder: the look below says so.
    if ((await lookAt(place)) === null) {
      const reason = messageOf(cause)
      throw new CacheRefusedError(`The cache folder ${place} cannot be made (${reason}). ${NAME_ANOTHER}`, { cause })
    }
  }
  await checkPlace(place)
}

/** The same for a folder that may not be there. @returns whether it is. @throws CacheRefusedError */
export async function checkPlace(place: string): Promise<boolean> {
  await refuseShared(place)
  const stats = await lookAt(place)
  if (stats === null) return false
  refuseForeign(place, stats)
  // Others may not even read it; what is the user's own is put right without a word.
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) await chmod(place, 0o700)
  return true
}

function refuseForeign(place: string, stats: Stats): void {
  if (stats.isSymbolicLink()) {
    throw new CacheRefusedError(`The cache folder ${place} is a symbolic link, which is not followed. ${NAME_ANOTHER}`)
  }
  if (!stats.isDirectory()) {
    throw new CacheRefusedError(`The cache folder ${place} is not a folder. ${NAME_ANOTHER}`)
  }
  if (!isOwn(stats)) {
    throw new CacheRefusedError(`The cache folder ${place} belongs to another user. ${NAME_ANOTHER}`)
  }
  if (process.platform !== 'win32' && (stats.mode & 0o022) !== 0) {
    throw new CacheRefusedError(
      `Others may write to the cache folder ${place}. Run: chmod 700 ${place} – or: ${NAME_ANOTHER}`,
    )
  }
}

/** Does this belong to whom the process runs as? */
export function isOwn(stats: Stats): boolean {
  return process.getuid === undefined || stats.uid === process.getuid()
}

/** Folders that nobody sets aside for a cache, under whatever name they are reached. */
async function refuseShared(place: string): Promise<void> {
  const real = await realpath(dirname(place)).then(
    (folder) => join(folder, parse(place).base),
    () => place,
  )
  const shared = await Promise.all([homedir(), process.cwd(), tmpdir(), '/tmp', '/var/tmp'].map(realOrSelf))
  if ([place, real].some((path) => parse(path).root === path || shared.includes(path))) {
    throw new CacheRefusedError(`${place} is no folder for a cache: it is used for other things. ${NAME_ANOTHER}`)
  }
}

async function realOrSelf(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}

async function lookAt(path: string): Promise<Stats | null> {
  return lstat(path).catch(() => null)
}
