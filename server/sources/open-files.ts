import { StoredFile, type StoredFileParts } from './stored-file.ts'
import type { StoredPlace } from './stored-place.ts'
import { StoredReader } from './stored-reader.ts'

/** A cell that is run again closes its viewer and opens the next: the file stays open so long. */
const LINGER_MS = 30_000

type Entry = { file: StoredFile; users: number; timer: NodeJS.Timeout | null }

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

  read(place: StoredPlace, parts: StoredFileParts): StoredReader {
    const entry = this.#entries.get(place.path) ?? { file: new StoredFile(place, parts), users: 0, timer: null }
    this.#entries.set(place.path, entry)
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    entry.users += 1
    let isReleased = false
    return new StoredReader(entry.file, async () => {
      if (isReleased) return
      isReleased = true
      await this.#release(entry)
    })
  }

  async #release(entry: Entry): Promise<void> {
    entry.users -= 1
    if (entry.users > 0) return
    entry.timer = setTimeout(() => {
      this.#entries.delete(entry.file.place.path)
      void entry.file.close()
    }, this.#lingerMs)
    entry.timer.unref()
  }
}
