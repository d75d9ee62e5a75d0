import { closeSync, constants, fstatSync, read, type Stats, open as startOpen } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'

import { promisify } from 'node:util'
import { DataError } from '../../data/data-source.ts'
import { quoted } from '../../data/near-names.ts'

const READ_NO_LINK = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Open a file of a dataset for reading. A pipe, a device or a socket under its name is refused before it is opened: to
 * open a pipe waits for its writer, on one of the few threads that all reads share.
 * @param path a real path, so that a link here is one that somebody has just put in its place
 * @param name as the user knows it
 * @throws DataError `malformed` where it is no file
 */
export async function openRegularFile(path: string, name: string): Promise<{ file: FileHandle; info: Stats }> {
  checkIsFile(await lstat(path), name)
  const file = await open(path, READ_NO_LINK)
  try {
    const info = await file.stat()
    checkIsFile(info, name)
    return { file, info }
  } catch (error) {
    await file.close()
    throw error
  }
}

const openNumber = promisify(startOpen)
const readNumber = promisify(read)

const ABSENT_OR_LINK: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ELOOP']

type Reading = {
  /** As the user knows it. */
  name: string
  /** What of it is read; throws where that is not in the file. */
  rangeOf: (size: number) => { offset: number; length: number }
}

/**
 * A part of a file, in as few waits as can be: of a store with thousands of small files they are the time it takes to
 * open. What the system knows of an open file is asked at once, and a pipe is opened without its writer.
 * @returns `null` where it is a folder
 * @throws DataError `malformed` where it is no file, or ends within the range
 */
export async function readRegularFile(
  path: string,
  { name, rangeOf }: Reading,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await openNumber(path, READ_NO_LINK).catch(async (error: NodeJS.ErrnoException) => {
    if (!ABSENT_OR_LINK.includes(error.code)) checkIsFile(await lstat(path), name) // such as a socket
    throw error
  })
  try {
    const info = fstatSync(file)
    if (info.isDirectory()) return null
    checkIsFile(info, name)
    const { offset, length } = rangeOf(info.size)
    const bytes = new Uint8Array(length)
    const { bytesRead } = await readNumber(file, bytes, 0, length, offset)
    if (bytesRead < length) throw new DataError('malformed', `${quoted(name)} was cut short while it was read.`)
    return bytes
  } finally {
    closeSync(file)
  }
}

function checkIsFile(info: Stats, name: string): void {
  if (info.isFile()) return
  throw new DataError('malformed', `${quoted(name)} is ${kindOf(info)} where a file belongs. Write the dataset again.`)
}

function kindOf(info: Stats): string {
  if (info.isFIFO()) return 'a pipe'
  if (info.isSocket()) return 'a socket'
  if (info.isDirectory()) return 'a folder'
  return info.isSymbolicLink() ? 'a link' : 'a device'
}
