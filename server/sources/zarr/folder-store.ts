import { constants } from 'node:fs'
import { open, readdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import { type ByteRange, resolveRange, type ZarrStore } from './zarr-store.ts'

/** A zarr store that is a folder. No file outside of it is read, also not through a link. */
export class FolderStore implements ZarrStore {
  readonly #root: string

  /** @param root a real path */
  constructor(root: string) {
    this.#root = root
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | null> {
    const path = await this.#resolve(key)
    if (path === null) return null
    // Without waiting for the writer of a pipe that somebody put there.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const info = await file.stat()
      if (!info.isFile()) return null
      const { offset, length } = resolveRange(key, info.size, range)
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, offset)
      if (bytesRead < length) throw new DataError('malformed', `${quoted(key)} was cut short while it was read.`)
      return bytes
    } finally {
      await file.close()
    }
  }

  async names(key: string): Promise<readonly string[]> {
    const path = await this.#resolve(key)
    if (path === null) return []
    const entries = await readdir(path, { withFileTypes: true })
    // A linked folder is a name as well; where it leads is checked when it is read.
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort()
  }

  /** @returns a real path, `null` where there is nothing. @throws DataError where it leads outside */
  async #resolve(key: string): Promise<string | null> {
    let real: string
    try {
      real = await realpath(join(this.#root, key))
    } catch {
      return null // no such file
    }
    const inside = relative(this.#root, real)
    if (inside === '..' || inside.startsWith(`..${sep}`)) {
      throw new DataError('unsupported', `${quoted(key)} leads out of the store, where nothing is read.`)
    }
    return real
  }
}
