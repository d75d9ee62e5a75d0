import { hash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { inCloudText, isInCloudOnly } from '../foreign/in-cloud.ts'

/** Which bytes a file holds, as far as the file system tells: another text when they were replaced. */
export async function fileVersion(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
    return hash('sha256', `${path}\n${dev} ${ino} ${size} ${mtimeNs}`).slice(0, 16)
  } catch (cause) {
    throw new DataError('changed', `The file ${quoted(path)} is not there any more. Put it back, or show another.`, {
      cause,
    })
  }
}

/** Where a path leads, links resolved. @throws DataError `not_found` in words for the person who wrote the path */
export async function findPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (cause) {
    if (isInCloudOnly(path)) throw new DataError('not_found', inCloudText(path), { cause })
    const code = codeOf(cause)
    const reason = code === 'EACCES' ? 'you may not read it' : 'there is no such file or folder'
    throw new DataError('not_found', `${quoted(path)} cannot be opened: ${reason}. Check the path.`, { cause })
  }
}
