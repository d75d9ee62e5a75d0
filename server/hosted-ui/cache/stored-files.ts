import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { isOwn } from './cache-folder.ts'

/** Write a file that must not be there yet, to the disk. @throws when it is, or the disk is full */
export async function writeNew(path: string, bytes: Uint8Array | string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What a rename or a new file needs to survive a crash; where folders cannot be synced there is nothing to do. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * The bytes of a regular file of this user's, no link, exactly as long as said.
 * @returns `null` where it is anything else
 */
export async function readOwn(path: string, byteLength: number): Promise<Buffer | null> {
  try {
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const stats = await file.stat()
      if (!stats.isFile() || !isOwn(stats) || stats.size !== byteLength) return null
      const bytes = await file.readFile()
      return bytes.length === byteLength ? bytes : null
    } finally {
      await file.close()
    }
  } catch {
    return null // not there, a link, not readable: whatever it is, not what was stored
  }
}

/** Names which state of a file was looked at: any write to it, or another file in its place, is another text. */
export async function stateOf(folder: string, name: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(join(folder, name), { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

export function sha256(bytes: Uint8Array | string): string {
  return hash('sha256', bytes)
}
