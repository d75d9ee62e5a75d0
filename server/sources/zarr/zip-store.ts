import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { type ByteRange, checkedSize, resolveRange, type ZarrStore } from '../../../data/zarr/zarr-store.ts'
import { readZipEntries, type ZipEntry } from './zip-entries.ts'

const inflate = promisify(inflateRaw)
const LOCAL_HEADER_BYTES = 30
const LOCAL_SIGNATURE = 0x04034b50
const STORED = 0
const DEFLATED = 8

/** A zarr store in one zip file, as zarr's ZipStore writes it; the store may lie in a folder of the archive. */
export class ZipStore implements ZarrStore {
  readonly #file: FileHandle
  readonly #size: number
  readonly #entries: ReadonlyMap<string, ZipEntry>
  readonly #names: ReadonlyMap<string, readonly string[]>

  private constructor(file: FileHandle, size: number, entries: ReadonlyMap<string, ZipEntry>) {
    this.#file = file
    this.#size = size
    this.#entries = entries
    this.#names = namesByFolder(entries.keys())
  }

  /** @throws DataError `malformed` for what is no zip file */
  static async open(path: string): Promise<ZipStore> {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      return new ZipStore(file, size, withoutTopFolder(await readZipEntries(file, size)))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | null> {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    const start = await this.#dataStart(entry)
    if (entry.method === STORED) {
      const { offset, length } = resolveRange(key, entry.packedBytes, range)
      return this.#read(start + offset, length)
    }
    if (entry.method !== DEFLATED || entry.isEncrypted) {
      const how = entry.isEncrypted ? 'encrypted' : `packed by method ${entry.method}`
      throw new DataError('unsupported', `${quoted(key)} is ${how} in the zip file. Zip the store without.`)
    }
    checkedSize(key, { length: entry.packedBytes })
    checkedSize(key, { length: entry.bytes })
    const bytes = await unpack(key, await this.#read(start, entry.packedBytes), entry.bytes)
    const { offset, length } = resolveRange(key, bytes.length, range)
    return bytes.slice(offset, offset + length)
  }

  async names(key: string): Promise<readonly string[]> {
    return this.#names.get(key) ?? []
  }

  async #dataStart({ headerOffset }: ZipEntry): Promise<number> {
    const head = Buffer.from(await this.#read(headerOffset, LOCAL_HEADER_BYTES))
    if (head.readUInt32LE(0) !== LOCAL_SIGNATURE) throw damaged('an entry is not where the directory says')
    return headerOffset + LOCAL_HEADER_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28)
  }

  async #read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset + length > this.#size) throw damaged('an entry reaches beyond its end')
    const bytes = new Uint8Array(length)
    const { bytesRead } = await this.#file.read(bytes, 0, length, offset)
    if (bytesRead < length) throw damaged('it was cut short while it was read')
    return bytes
  }
}

async function unpack(key: string, packed: Uint8Array, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Buffer
  try {
    bytes = await inflate(packed, { maxOutputLength: byteLength + 1 })
  } catch (cause) {
    throw new DataError('malformed', `${quoted(key)} does not unpack to ${byteLength} bytes.`, { cause })
  }
  if (bytes.length !== byteLength) throw damaged(`${quoted(key)} unpacks to ${bytes.length} bytes, not ${byteLength}`)
  return Uint8Array.from(bytes)
}

const METADATA = ['zarr.json', '.zgroup', '.zattrs', '.zmetadata']

/** Somebody zipped the folder and not what is in it: then every key begins with its name. */
function withoutTopFolder(entries: ReadonlyMap<string, ZipEntry>): ReadonlyMap<string, ZipEntry> {
  if (METADATA.some((name) => entries.has(name))) return entries
  const [first] = [...entries.keys()].filter((key) => METADATA.some((name) => key.split('/').slice(1).join() === name))
  if (first === undefined) return entries
  const folder = `${first.split('/')[0]}/`
  const inside = [...entries].filter(([key]) => key.startsWith(folder))
  return new Map(inside.map(([key, entry]) => [key.slice(folder.length), entry]))
}

/** The folders right below each folder; `''` is the top. */
function namesByFolder(keys: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>()
  for (const key of keys) {
    let end = key.lastIndexOf('/')
    while (end > 0) {
      const start = key.lastIndexOf('/', end - 1)
      const folder = start < 0 ? '' : key.slice(0, start)
      const names = found.get(folder) ?? new Set()
      const name = key.slice(start + 1, end)
      if (names.has(name)) break
      found.set(folder, names.add(name))
      end = start
    }
  }
  return new Map([...found].map(([folder, names]) => [folder, [...names].sort()]))
}

function damaged(how: string): DataError {
  return new DataError('malformed', `The zip file is damaged: ${how}. Copy or download it again.`)
}
