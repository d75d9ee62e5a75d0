import { readdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { type ByteRange, resolveRange, type ZarrStore } from '../../../data/zarr/zarr-store.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { readRegularFile } from '../regular-file.ts'

/** Folders whose real paths are kept: more than a wide table has columns. */
const MAX_FOLDERS = 1 << 14

/**
 * A zarr store that is a folder. No file outside of it is read, also not through a link. A table may have thousands of
 * columns with files of their own, so where a folder leads is looked up once for all that is in it.
 */
export class FolderStore implements ZarrStore {
  readonly #root: string
  readonly #folders = new Map<string, Promise<string | null>>()

  /** @param root a real path */
  constructor(root: string) {
    this.#root = root
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | null> {
    const cut = key.lastIndexOf('/')
    const folder = await this.#folder(key.slice(0, Math.max(0, cut)))
    if (folder === null) return null
    const reading = { name: key, rangeOf: (size: number) => resolveRange(key, size, range) }
    try {
      return await readRegularFile(join(folder, key.slice(cut + 1)), reading)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return null
      if (code !== 'ELOOP') throw error
      const path = await this.#resolve(key)
      return path === null ? null : readRegularFile(path, reading)
    }
  }

  async names(key: string): Promise<readonly string[]> {
    const path = await this.#resolve(key)
    if (path === null) return []
    const entries = await readdir(path, { withFileTypes: true })
    // What is no link leads nowhere else.
    for (const entry of entries)
      if (entry.isDirectory()) void this.#keep(inside(key, entry.name), join(path, entry.name))
    // A linked folder is a name as well; where it leads is checked when it is read.
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort()
  }

  #folder(key: string): Promise<string | null> {
    return this.#folders.get(key) ?? this.#keep(key, this.#resolve(key))
  }

  #keep(key: string, path: string | Promise<string | null>): Promise<string | null> {
    if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear()
    const kept = Promise.resolve(path)
    this.#folders.set(key, kept)
    return kept
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

function inside(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
