import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { TOP_DOCUMENTS } from '../../../data/zarr/zarr-nodes.ts'
import { urlVersion } from '../zarr/http-store.ts'
import { fileVersion } from './file-identity.ts'

/** Where an AnnData is stored, and in what form. `path` is a real path, or for `zarr-url` a URL. */
export type StoredPlace = { format: 'h5ad' | 'zarr-folder' | 'zarr-zip' | 'zarr-url'; path: string }

/** A store on another machine is asked so often whether it changed. */
const URL_TRUST_MS = 10_000
/** Folders of a store that are looked at. */
const MAX_FOLDERS = 2_000

/** Watches one place: `version` is another text when what is stored there may be other. */
export class PlaceWatch {
  readonly #place: StoredPlace
  #urlVersion: { version: Promise<string>; at: number } | null = null

  constructor(place: StoredPlace) {
    this.#place = place
  }

  /** Cheap. @throws DataError `changed` where it is gone */
  version(): Promise<string> {
    const { format, path } = this.#place
    switch (format) {
      case 'h5ad':
      case 'zarr-zip':
        return fileVersion(path)
      case 'zarr-folder':
        return folderVersion(path)
      case 'zarr-url':
        return this.#versionOfUrl(path)
    }
  }

  async #versionOfUrl(url: string): Promise<string> {
    const known = this.#urlVersion
    if (known !== null && performance.now() - known.at < URL_TRUST_MS) return known.version
    const version = urlVersion(url, TOP_DOCUMENTS).then((text) => digest(`${url}\n${text}`))
    const asked = { version, at: performance.now() }
    this.#urlVersion = asked
    version.catch(() => {
      if (this.#urlVersion === asked) this.#urlVersion = null
    })
    return version
  }
}

/**
 * Of a store that is a folder: when its elements and theirs were last written. Values that are written over inside of an
 * array without a new file beside them are not noticed, as nobody notices them but by reading all of it.
 */
async function folderVersion(root: string): Promise<string> {
  const lines: string[] = []
  const look = async (path: string, depth: number): Promise<void> => {
    const info = await stat(path, { bigint: true }).catch(() => null)
    if (info === null) return
    lines.push(`${path} ${info.ino} ${info.mtimeNs}`)
    if (depth === 0 || lines.length > MAX_FOLDERS) return
    const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
    const inside = entries.filter((entry) => entry.isDirectory() || TOP_DOCUMENTS.some((name) => name === entry.name))
    await Promise.all(inside.map(({ name }) => look(join(path, name), depth - 1)))
  }
  await look(root, 2)
  if (lines.length === 0) {
    throw new DataError('changed', `The store ${quoted(root)} is not there any more. Put it back, or show another.`)
  }
  return digest(lines.sort().join('\n'))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
