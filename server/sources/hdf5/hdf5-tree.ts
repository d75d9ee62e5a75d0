import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import type { Attributes, StoredGroup, StoredNode } from '../../../data/stored-tree.ts'
import { Hdf5Array } from './hdf5-array.ts'
import { GROUP, type Hdf5File } from './hdf5-file.ts'
import { checkFilters } from './hdf5-filters.ts'
import { isRecords, recordsOf } from './hdf5-records.ts'
import { openLargeChunks } from './large-chunks.ts'

const DATASET = 1
/** Soft links that point at soft links: more of them are a loop. */
const MAX_LINKS = 16

/** The root of an open file. */
export function rootOf(file: Hdf5File): StoredGroup {
  return new Hdf5Group(file, '/', '')
}

class Hdf5Group implements StoredGroup {
  readonly kind = 'group'
  readonly path: string
  readonly #file: Hdf5File
  readonly #objectPath: string
  #attributes: Attributes | null = null

  /** @param objectPath where it is without following a link. @param path as messages name it */
  constructor(file: Hdf5File, objectPath: string, path: string) {
    this.#file = file
    this.#objectPath = objectPath
    this.path = path
  }

  get attributes(): Attributes {
    this.#attributes ??= this.#file.attributes(this.#objectPath, this.path)
    return this.#attributes
  }

  async keys(): Promise<readonly string[]> {
    return [...this.#file.names(this.#objectPath)]
  }

  async get(name: string): Promise<StoredNode | null> {
    const objectPath = resolve(this.#file, this.#objectPath, name, MAX_LINKS)
    return objectPath === null
      ? null
      : openNode(this.#file, objectPath, this.path === '' ? name : `${this.path}/${name}`)
  }
}

/**
 * Walk a path one link at a time, so that nothing is followed before it is known to stay inside the file.
 * @param name may hold slashes, as a column `a/b` does
 * @returns the object's own path, or `null` where a part of the way is missing
 */
function resolve(file: Hdf5File, from: string, name: string, linksLeft: number): string | null {
  let here = name.startsWith('/') ? '/' : from
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    const next = here === '/' ? `/${part}` : `${here}/${part}`
    const target = followLink(file, here, part, next)
    if (target === null) return null
    if (target.kind === 'here') here = next
    else {
      if (linksLeft === 0) throw new DataError('malformed', `${quoted(next)} is a link that leads back to itself.`)
      const followed = resolve(file, here, target.path, linksLeft - 1)
      if (followed === null) return null
      here = followed
    }
  }
  return here
}

type LinkTarget = { kind: 'here' } | { kind: 'link'; path: string }

function followLink(file: Hdf5File, parent: string, part: string, path: string): LinkTarget | null {
  const { library, id } = file
  if (!file.isGroup(parent) || !file.names(parent).has(part)) return null
  const external = file.call(path, () => library.get_external_link(id, path))
  if (external.filename !== undefined) {
    const found = `${quoted(path)} is a link to another file, which is not followed`
    throw new DataError('unsupported', `${found}. Write the data into one file.`)
  }
  // Typed as text; null where the link is a hard one.
  const soft: string | null = file.call(path, () => library.get_symbolic_link(id, path))
  return soft === null ? { kind: 'here' } : { kind: 'link', path: soft }
}

function openNode(file: Hdf5File, objectPath: string, path: string): StoredNode {
  const type = file.call(path, () => file.library.get_type(file.id, objectPath))
  if (type === GROUP) return new Hdf5Group(file, objectPath, path)
  if (type === DATASET) return openDataset(file, objectPath, path)
  throw new DataError('unsupported', `${quoted(path)} is neither a group nor an array.`)
}

function openDataset(file: Hdf5File, objectPath: string, path: string): StoredNode {
  const { library, id } = file
  const metadata = file.call(path, () => library.get_dataset_metadata(id, objectPath))
  if (metadata.virtual_sources !== undefined) {
    const found = `${path} is a virtual dataset, made of other files, which are not read`
    throw new DataError('unsupported', `${found}. Write the data into one file.`)
  }
  if (metadata.chunks !== null) file.call(path, () => checkFilters(file, objectPath, path))
  const place = { objectPath, path, metadata }
  if (isRecords(metadata)) return recordsOf(file, place)
  return openLargeChunks(file, place) ?? new Hdf5Array(file, place)
}
