import { lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'

/** Of one version some twenty; each build of a checkout adds those of the parts that changed. */
const MAX_FILES = 200
const WRITABLE_BY_OTHERS = 0o022
/** In a folder with it others can make what they want, but touch nothing of ours. */
const STICKY = 0o1000

/** Of the user's cache folder, the part that holds what Node made of this program's code. */
export function compiledPlace(cacheFolder: string): string {
  return join(cacheFolder, 'compiled')
}

/**
 * Keep what Node makes of this program's code in `folder`, and take from there what it made before: a start then takes
 * less than half of the processor time. What is kept is code that is run, so nobody else may be able to write there;
 * where somebody is, or nothing can be kept, the program starts as if there were no such thing.
 */
export function keepCompiled(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!isOnlyOurs(folder)) return
    if (compiledFiles(folder).length > MAX_FILES) {
      rmSync(folder, { recursive: true })
      mkdirSync(folder, { mode: 0o700 })
    }
    enableCompileCache(folder)
  } catch {
    // Read-only, full, no home: it starts slower.
  }
}

/** Each file in `folder` with its bytes; none where there is no folder. */
export function compiledFiles(folder: string): { path: string; bytes: number }[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ path, bytes: statSync(path).size }))
  } catch {
    return []
  }
}

/** Nobody but this user and root can write into the folder or put another in its place. */
function isOnlyOurs(folder: string): boolean {
  const user = process.getuid?.()
  if (user === undefined) return true // Windows keeps such folders in the user's own profile
  const { uid, mode } = lstatSync(folder)
  if (uid !== user || (mode & WRITABLE_BY_OTHERS) !== 0 || !lstatSync(folder).isDirectory()) return false
  for (let above = dirname(realpathSync(folder)); ; above = dirname(above)) {
    const parent = lstatSync(above)
    const isOthers = parent.uid !== user && parent.uid !== 0
    const isOpen = (parent.mode & WRITABLE_BY_OTHERS) !== 0 && (parent.mode & STICKY) === 0
    if (isOthers || isOpen) return false
    if (above === dirname(above)) return true
  }
}
