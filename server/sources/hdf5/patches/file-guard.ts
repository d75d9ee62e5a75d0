import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** HDF5 prints an error into a temporary file of this name, made anew and unlinked at once. */
const ERROR_TEXT_FILE = /^\/tmp\/tmpfile_[A-Za-z0-9]+$/

/**
 * From now on this thread opens no file but those that are allowed: a hostile HDF5 file may name others of the user's
 * (external links, external storage, virtual datasets), which the library would read. Modules cannot be loaded any more either.
 */
export class FileGuard {
  readonly #allowed = new Set<string>()

  constructor() {
    const open = fs.openSync
    fs.openSync = (path, flags, mode) => {
      if (!this.#isAllowed(String(path), flags)) {
        throw Object.assign(new Error(`EACCES: not the dataset's own file`), { code: 'EACCES', syscall: 'open' })
      }
      return open(path, flags, mode)
    }
    syncBuiltinESMExports()
  }

  /** @param path a real path: no link is resolved here */
  allow(path: string): void {
    this.#allowed.add(path)
  }

  #isAllowed(path: string, flags: fs.OpenMode | undefined): boolean {
    if (this.#allowed.has(path)) return isReadOnly(flags)
    return ERROR_TEXT_FILE.test(path) && isNewFile(flags)
  }
}

function isReadOnly(flags: fs.OpenMode | undefined): boolean {
  const writes = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC
  return flags === undefined || flags === 'r' || (typeof flags === 'number' && (flags & writes) === 0)
}

function isNewFile(flags: fs.OpenMode | undefined): boolean {
  return typeof flags === 'number' && (flags & fs.constants.O_EXCL) !== 0 && (flags & fs.constants.O_CREAT) !== 0
}
