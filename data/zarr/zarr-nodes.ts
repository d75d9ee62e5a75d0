import * as v from 'valibot'
import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'
import type { ZarrStore } from './zarr-store.ts'

/** What a hierarchy says is at a place; `document` is an array's metadata as stored, not yet checked. */
export type ZarrNode =
  | { kind: 'group'; attributes: Record<string, unknown> }
  | { kind: 'array'; format: 2 | 3; document: Record<string, unknown>; attributes: Record<string, unknown> }

/** Groups and arrays of one hierarchy, by path; `''` is the top. */
export interface ZarrNodes {
  node(path: string): Promise<ZarrNode | null>
  /** Names of what may be right below a group. */
  names(path: string): Promise<readonly string[]>
}

/** An AnnData's metadata, all of it in one document, is a few hundred KB. */
const MAX_DOCUMENT_BYTES = 64 << 20
/** Documents at the top, in the order in which they are looked for. */
export const TOP_DOCUMENTS = ['zarr.json', '.zmetadata', '.zgroup'] as const

const record = v.record(v.string(), v.unknown())
const nodeSchema = v.looseObject({ node_type: v.picklist(['group', 'array']), attributes: v.optional(record, {}) })
const wholeSchema = v.object({ metadata: v.record(v.string(), record) })

/**
 * Find out which format a hierarchy has. Where the store can list its folders, each node's own document counts; the
 * consolidated one may be older than they are, and is for stores that cannot.
 * @throws DataError `malformed` for what is no zarr, `unsupported` for a store that needs consolidated metadata
 */
export async function openNodes(store: ZarrStore): Promise<ZarrNodes> {
  const top = await document(store, 'zarr.json')
  const canList = (await store.names('')) !== null
  if (top !== null) return canList ? new FoundNodes(store, 3) : consolidatedOf3(top)
  if (canList && (await store.get('.zgroup')) !== null) return new FoundNodes(store, 2)
  const whole = await document(store, '.zmetadata')
  if (whole !== null) return consolidatedOf2(whole)
  const isGroup = (await store.get('.zgroup')) !== null
  if (isGroup) throw notConsolidated()
  throw new DataError(
    'malformed',
    'It is no zarr store: it has neither zarr.json nor .zgroup. Pass what adata.write_zarr() wrote.',
  )
}

/** Each node has documents of its own. */
class FoundNodes implements ZarrNodes {
  readonly #store: ZarrStore
  readonly #format: 2 | 3

  constructor(store: ZarrStore, format: 2 | 3) {
    this.#store = store
    this.#format = format
  }

  async node(path: string): Promise<ZarrNode | null> {
    const place = path === '' ? '' : `${path}/`
    if (this.#format === 3) {
      const found = await document(this.#store, `${place}zarr.json`)
      return found === null ? null : nodeOf3(found, path)
    }
    const [array, found] = await Promise.all([
      document(this.#store, `${place}.zarray`),
      document(this.#store, `${place}.zattrs`),
    ])
    const attributes = found ?? {}
    if (array !== null) return { kind: 'array', format: 2, document: array, attributes }
    return (await document(this.#store, `${place}.zgroup`)) === null ? null : { kind: 'group', attributes }
  }

  async names(path: string): Promise<readonly string[]> {
    return (await this.#store.names(path)) ?? []
  }
}

/** All nodes were said in one document. */
class ConsolidatedNodes implements ZarrNodes {
  readonly #nodes: ReadonlyMap<string, ZarrNode>

  constructor(nodes: ReadonlyMap<string, ZarrNode>) {
    this.#nodes = nodes
  }

  async node(path: string): Promise<ZarrNode | null> {
    return this.#nodes.get(path) ?? null
  }

  async names(path: string): Promise<readonly string[]> {
    const place = path === '' ? '' : `${path}/`
    const below = [...this.#nodes.keys()].filter((each) => each !== '' && each.startsWith(place))
    return [...new Set(below.map((each) => each.slice(place.length).split('/')[0] ?? ''))].filter(Boolean).sort()
  }
}

function consolidatedOf3(top: Record<string, unknown>): ZarrNodes {
  const whole = v.safeParse(wholeSchema, top.consolidated_metadata)
  if (!whole.success) throw notConsolidated()
  const nodes = Object.entries(whole.output.metadata).map(([path, found]) => [path, nodeOf3(found, path)] as const)
  return new ConsolidatedNodes(new Map([['', nodeOf3(top, '')], ...nodes]))
}

function consolidatedOf2(whole: Record<string, unknown>): ZarrNodes {
  const { metadata } = parsed(wholeSchema, whole, '.zmetadata')
  const nodes = new Map<string, ZarrNode>()
  for (const [key, found] of Object.entries(metadata)) {
    const path = key.slice(0, Math.max(0, key.lastIndexOf('/')))
    const attributes = metadata[path === '' ? '.zattrs' : `${path}/.zattrs`] ?? {}
    if (key.endsWith('.zgroup')) nodes.set(path, { kind: 'group', attributes })
    if (key.endsWith('.zarray')) nodes.set(path, { kind: 'array', format: 2, document: found, attributes })
  }
  return new ConsolidatedNodes(nodes)
}

function nodeOf3(found: Record<string, unknown>, path: string): ZarrNode {
  const { node_type: kind, attributes } = parsed(nodeSchema, found, `${path}/zarr.json`)
  return kind === 'group' ? { kind, attributes } : { kind, format: 3, document: found, attributes }
}

async function document(store: ZarrStore, key: string): Promise<Record<string, unknown> | null> {
  const bytes = await store.get(key)
  if (bytes === null) return null
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    throw new DataError('too_large', `${quoted(key)} has ${bytes.length.toLocaleString('en')} bytes of metadata.`)
  }
  try {
    return parsed(record, JSON.parse(new TextDecoder().decode(bytes)), key)
  } catch (cause) {
    if (cause instanceof DataError) throw cause
    throw new DataError('malformed', `${quoted(key)} is not JSON.`, { cause })
  }
}

function parsed<Schema extends v.GenericSchema>(schema: Schema, found: unknown, key: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, found)
  if (result.success) return result.output
  throw new DataError('malformed', `${quoted(key)} is not metadata of a zarr store: ${result.issues[0].message}.`)
}

function notConsolidated(): DataError {
  return new DataError(
    'unsupported',
    'A store behind a URL is read by its consolidated metadata, which it lacks. Write it once more with ' +
      'zarr.consolidate_metadata(store).',
  )
}
