import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../process/process-alive.ts'
import { DATA_FILE, INDEX_FILE } from './csc-file.ts'

/** All stores together, whatever the disk. */
const MAX_BYTES = 20 * 2 ** 30
/** And at most this part of what is free on it. */
const MAX_PART_OF_FREE = 0.1

/** Being written: its folder's name says by which process, so that what a killed one left can be told. */
export type Part = {
  file: FileHandle
  /** All is written: from now on others find it. */
  finish: (index: Uint8Array) => Promise<void>
  abandon: () => Promise<void>
}

/**
 * The folder of column stores in the user's cache folder, one folder for each matrix of each file. Nothing is written
 * beside the user's data. Bounded in bytes; the store that was not used longest goes first.
 */
export class ColumnFolder {
  readonly #root: string
  readonly #maxBytes: number
  readonly #writing = new Set<string>()

  /** @param maxBytes of all stores, if less than what the disk allows */
  constructor(root: string, maxBytes = MAX_BYTES) {
    this.#root = root
    this.#maxBytes = maxBytes
    // However this process ends but by SIGKILL, what is half written goes with it.
    process.once('exit', () => {
      for (const folder of this.#writing) rmSync(folder, { recursive: true, force: true })
    })
  }

  /** The folder of a complete store, marked as used now; `null` where there is none. */
  async find(key: string): Promise<string | null> {
    const folder = join(this.#root, key)
    try {
      const now = new Date()
      await utimes(join(folder, INDEX_FILE), now, now)
      return folder
    } catch {
      return null // most often: it was never built
    }
  }

  /** Begin a store of so many bytes. @returns `null` where there is no room, or no right to write */
  async begin(key: string, bytes: number): Promise<Part | null> {
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 })
      await this.#removeLeftovers()
      if (!(await this.#makeRoom(bytes))) return null
      const folder = join(this.#root, `${key}.part-${process.pid}-${randomBytes(4).toString('hex')}`)
      await mkdir(folder, { mode: 0o700 })
      this.#writing.add(folder)
      const file = await open(join(folder, DATA_FILE), 'wx+', 0o600)
      return { file, finish: (index) => this.#finish(folder, key, index), abandon: () => this.#remove(folder) }
    } catch {
      return null // read-only, full, or not ours: genes are then scanned
    }
  }

  /** A store that turned out to be damaged. */
  async discard(key: string): Promise<void> {
    await this.#remove(join(this.#root, key))
  }

  /** What is kept; nothing where there is no folder yet. */
  async list(): Promise<{ stores: number; bytes: number }> {
    const stores = await this.#stores().catch(() => [])
    return { stores: stores.length, bytes: stores.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  /** Remove all that is kept, and what processes left that are gone. Who reads one now reads on. */
  async clear(): Promise<void> {
    await this.#removeLeftovers().catch(() => undefined) // no folder, nothing to remove
    for (const { folder } of await this.#stores().catch(() => [])) await this.#remove(folder)
  }

  async #finish(folder: string, key: string, index: Uint8Array): Promise<void> {
    await writeFile(join(folder, INDEX_FILE), index, { mode: 0o600, flag: 'wx' })
    const target = join(this.#root, key)
    await rm(target, { recursive: true, force: true })
    await rename(folder, target)
    this.#writing.delete(folder)
  }

  async #remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true })
    this.#writing.delete(folder)
  }

  /** What processes left that are not there any more. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#root)) {
      const pid = /\.part-(\d+)-/.exec(name)?.[1]
      if (pid !== undefined && !isAlive(Number(pid))) await this.#remove(join(this.#root, name))
    }
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    const stores = await this.#stores()
    let used = stores.reduce((sum, store) => sum + store.bytes, 0)
    const { bavail, bsize } = await statfs(this.#root)
    // What the stores take would be free without them.
    const limit = Math.min(this.#maxBytes, (bavail * bsize + used) * MAX_PART_OF_FREE)
    if (bytes > limit) return false
    for (const { folder, bytes: freed } of stores.sort((a, b) => a.usedAt - b.usedAt)) {
      if (used + bytes <= limit) break
      await this.#remove(folder)
      used -= freed
    }
    return true
  }

  async #stores(): Promise<{ folder: string; bytes: number; usedAt: number }[]> {
    const stores = []
    for (const name of await readdir(this.#root)) {
      const folder = join(this.#root, name)
      const bytes = await sizeOf(join(folder, DATA_FILE))
      const usedAt = await stat(join(folder, INDEX_FILE)).then(
        ({ mtimeMs }) => mtimeMs,
        () => Number.POSITIVE_INFINITY, // being written: nobody takes its room
      )
      stores.push({ folder, bytes, usedAt })
    }
    return stores.filter(({ usedAt, bytes: size }) => size > 0 || usedAt < Number.POSITIVE_INFINITY)
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
