import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import { oneArrayText } from '../python-text.ts'
import type { Attributes, AttributeValue, StoredGroup, StoredNode } from '../stored-tree.ts'
import { ChunkCache } from './chunk-cache.ts'
import { openArray } from './zarr-array.ts'
import { openNodes, type ZarrNode, type ZarrNodes } from './zarr-nodes.ts'
import { openBytes } from './zarr-records.ts'
import type { ZarrStore } from './zarr-store.ts'

type Hierarchy = { container: string; store: ZarrStore; nodes: ZarrNodes; cache: ChunkCache }

/** The top of a zarr hierarchy. @param place of the store, for messages. @throws DataError for what is none */
export async function openZarr(store: ZarrStore, place: string): Promise<StoredGroup> {
  const nodes = await openNodes(store)
  const top = await nodes.node('')
  if (top?.kind !== 'group') throw new DataError('unsupported', `This is ${oneArrayText(place)}`)
  return new ZarrGroup({ container: place, store, nodes, cache: new ChunkCache() }, '', top.attributes)
}

class ZarrGroup implements StoredGroup {
  readonly kind = 'group'
  readonly path: string
  readonly attributes: Attributes
  readonly #hierarchy: Hierarchy
  readonly #children = new Map<string, Promise<StoredNode | null>>()

  constructor(hierarchy: Hierarchy, path: string, attributes: Record<string, unknown>) {
    this.path = path
    this.attributes = readAttributes(attributes)
    this.#hierarchy = hierarchy
  }

  async keys(): Promise<readonly string[]> {
    return this.#hierarchy.nodes.names(this.path)
  }

  get(name: string): Promise<StoredNode | null> {
    const known = this.#children.get(name) ?? this.#open(name)
    this.#children.set(name, known)
    return known
  }

  async #open(name: string): Promise<StoredNode | null> {
    const path = this.path === '' ? name : `${this.path}/${name}`
    checkPath(path)
    const node = await this.#hierarchy.nodes.node(path)
    return node === null ? null : toStored(this.#hierarchy, path, node)
  }
}

async function toStored(hierarchy: Hierarchy, path: string, node: ZarrNode): Promise<StoredNode> {
  if (node.kind === 'group') return new ZarrGroup(hierarchy, path, node.attributes)
  const place = { ...hierarchy, path, attributes: readAttributes(node.attributes) }
  return (await openBytes(node, place)) ?? openArray(node, place)
}

/** A column may be named `a/b`, which is a group and an array; no name leads upward. */
function checkPath(path: string): void {
  const parts = path.split('/')
  if (
    parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0') || part.includes('\\'))
  ) {
    throw new DataError('unsupported', `${quoted(path)} is no name that a zarr store can hold.`)
  }
}

/** Those that elements use; others, such as lists of lists, mean nothing here. */
function readAttributes(stored: Record<string, unknown>): Attributes {
  const found = new Map<string, AttributeValue>()
  for (const [name, value] of Object.entries(stored)) {
    if (isAttribute(value)) found.set(name, value)
  }
  return found
}

function isAttribute(value: unknown): value is AttributeValue {
  if (Array.isArray(value)) {
    const list: unknown[] = value
    return list.every((each) => typeof each === 'string') || list.every((each) => typeof each === 'number')
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
