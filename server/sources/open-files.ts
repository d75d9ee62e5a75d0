import { H5adReader } from './h5ad.ts'
import { H5adFile, type H5adFileParts } from './h5ad-file.ts'

/** A cell that is run again closes its viewer and opens the next: the file stays open so long. */
const LINGER_MS = 30_000

type Entry = { file: H5adFile; users: number; timer: NodeJS.Timeout | null }

/**
 * Files by path, shared by all viewers of a file: one thread, one set of sorted genes. The last one that closes leaves
 * its file open for a little while.
 */
export class OpenFiles {
  readonly #entries = new Map<string, Entry>()
  readonly #lingerMs: number

  constructor(lingerMs = LINGER_MS) {
    this.#lingerMs = lingerMs
  }

  /** @param path a real path */
  read(path: string, parts: H5adFileParts): H5adReader {
    const entry = this.#entries.get(path) ?? { file: new H5adFile(path, parts), users: 0, timer: null }
    this.#entries.set(path, entry)
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    entry.users += 1
    let isReleased = false
    return new H5adReader(entry.file, async () => {
      if (isReleased) return
      isReleased = true
      await this.#release(entry)
    })
  }

  async #release(entry: Entry): Promise<void> {
    entry.users -= 1
    if (entry.users > 0) return
    entry.timer = setTimeout(() => {
      this.#entries.delete(entry.file.path)
      void entry.file.close()
    }, this.#lingerMs)
    entry.timer.unref()
  }
}
