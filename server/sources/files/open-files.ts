import type { StoredPlace } from './file-location.ts'
import { StoredReader } from './file-reader.ts'
import { StoredFile, type StoredFileParts } from './open-file.ts'
import type { PartPath } from './reader-messages.ts'

/** A cell that is run again closes its viewer and opens the next: the file stays open so long. */
const LINGER_MS = 30_000
/** Each takes a thread and its memory, some 70 MB: whoever goes through a folder of files keeps the last ones only. */
const MAX_LINGERING = 4

/** `timer`: until it is closed, where nobody uses it. */
type Entry = { file: StoredFile; users: number; timer: NodeJS.Timeout | null }

/**
 * Files by path, shared by all viewers of a file: one thread, one set of sorted genes. The last one that closes leaves
 * its file open for a little while.
 */
export class OpenFiles {
  readonly #entries = new Map<string, Entry>()
  /** Those that nobody uses, the one longest unused first. */
  readonly #lingering = new Set<Entry>()
  readonly #lingerMs: number

  constructor(lingerMs = LINGER_MS) {
    this.#lingerMs = lingerMs
  }

  /** @param part where in the file the AnnData stands, for one of a MuData */
  read(place: StoredPlace, parts: StoredFileParts, part: PartPath = ''): StoredReader {
    const entry = this.#entries.get(place.path) ?? { file: new StoredFile(place, parts), users: 0, timer: null }
    this.#entries.set(place.path, entry)
    this.#stay(entry)
    entry.users += 1
    let isReleased = false
    const release = async () => {
      if (isReleased) return
      isReleased = true
      await this.#release(entry)
    }
    return new StoredReader(entry.file, release, part)
  }

  async #release(entry: Entry): Promise<void> {
    entry.users -= 1
    if (entry.users > 0) return
    entry.timer = setTimeout(() => void this.#close(entry), this.#lingerMs).unref()
    this.#lingering.add(entry)
    const [oldest] = this.#lingering
    if (oldest !== undefined && this.#lingering.size > MAX_LINGERING) await this.#close(oldest)
  }

  #stay(entry: Entry): void {
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    this.#lingering.delete(entry)
  }

  async #close(entry: Entry): Promise<void> {
    this.#stay(entry)
    this.#entries.delete(entry.file.place.path)
    await entry.file.close()
  }
}
