import { promisify } from 'node:util'
import { gunzip, inflate, zstdDecompress } from 'node:zlib'
import * as zarr from 'zarrita'
import { DataError } from '../data-source.ts'

/** A chunk has 64 MiB at most; texts of one may be longer than the pointers at them. */
const MAX_UNPACKED_BYTES = 128 << 20

type Entry = NonNullable<ReturnType<typeof zarr.registry.get>> extends () => Promise<infer T> ? T : never
type Unpack = (packed: Uint8Array) => Promise<Uint8Array>

/** Codecs that are read, by their names in either format. */
export const CODEC_NAMES: ReadonlySet<string> = new Set(
  ['blosc', 'lz4', 'zstd', 'gzip', 'zlib', 'vlen-utf8', 'shuffle', 'delta']
    .flatMap((name) => [name, `numcodecs.${name}`])
    .concat('bytes', 'crc32c', 'transpose'),
)

const loaded = new Map<string, Entry>()

/** Load what unpacks by way of WebAssembly, while files of the program may still be read. */
export async function loadCodecs(): Promise<void> {
  for (const name of ['blosc', 'lz4']) {
    const entry = await zarr.registry.get(name)?.()
    if (entry !== undefined && !loaded.has(name)) loaded.set(name, entry)
  }
}

let isRegistered = false

/**
 * Replace the library's ways of unpacking by some that know how much there may be before they begin: Node's own where it
 * has one, which are also faster, and a look at the head of what the others unpack.
 */
export function registerCodecs(): void {
  if (isRegistered) return
  isRegistered = true
  const options = { maxOutputLength: MAX_UNPACKED_BYTES }
  const own: Record<string, () => Promise<Entry>> = {
    gzip: () => entryOf((packed) => promisify(gunzip)(packed, options)),
    zlib: () => entryOf((packed) => promisify(inflate)(packed, options)),
    zstd: () => entryOf((packed) => promisify(zstdDecompress)(packed, options)),
    blosc: guarded('blosc', 4),
    lz4: guarded('lz4', 0),
    'vlen-utf8': async () => ({ kind: 'array_to_bytes', fromConfig: (_, { shape }) => textsOf(shape) }),
  }
  for (const [name, entry] of Object.entries(own)) {
    zarr.registry.set(name, entry)
    zarr.registry.set(`numcodecs.${name}`, entry)
  }
}

async function entryOf(unpack: Unpack): Promise<Entry> {
  const decode = async (packed: Uint8Array) => Uint8Array.from(await unpack(packed))
  return { kind: 'bytes_to_bytes', fromConfig: () => ({ kind: 'bytes_to_bytes', encode: refuse, decode }) }
}

/** The library's own, once the head of what is packed says no more than there may be. @param at where it says so */
function guarded(name: string, at: number): () => Promise<Entry> {
  return async () => {
    const library = loaded.get(name)
    if (library === undefined) throw new Error(`The codec ${name} was not loaded.`)
    return {
      kind: 'bytes_to_bytes',
      fromConfig: (config, meta) => {
        const codec = library.fromConfig(config, meta)
        const decode = async (packed: Uint8Array) => {
          checkHead(packed, at)
          return codec.decode(packed) as Promise<Uint8Array> // bytes to bytes
        }
        return { kind: 'bytes_to_bytes', encode: refuse, decode }
      },
    }
  }
}

function checkHead(packed: Uint8Array, at: number): void {
  if (packed.length < at + 4) throw new DataError('malformed', 'is shorter than its own head.')
  const bytes = new DataView(packed.buffer, packed.byteOffset).getUint32(at, true)
  if (bytes <= MAX_UNPACKED_BYTES) return
  throw new DataError('too_large', `would unpack to ${bytes.toLocaleString('en')} bytes.`)
}

/** Texts as numcodecs writes them: how many, then each with its length before it. */
function textsOf(shape: readonly number[]) {
  const count = shape.reduce((total, size) => total * size, 1)
  const stride = shape.map((_, axis) => shape.slice(axis + 1).reduce((total, size) => total * size, 1))
  return {
    kind: 'array_to_bytes' as const,
    encode: refuse,
    decode: (bytes: Uint8Array) => ({ data: readTexts(bytes, count), shape: [...shape], stride }),
  }
}

const decoder = new TextDecoder()

function readTexts(bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = bytes.length < 4 ? 0 : view.getUint32(0, true)
  if (found !== count) throw new DataError('malformed', `holds ${found} texts where ${count} belong.`)
  const texts: string[] = []
  let at = 4
  for (let i = 0; i < count; i++) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (at + 4 + length > bytes.length) throw new DataError('malformed', `ends within text ${i}.`)
    texts.push(decoder.decode(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return texts
}

function refuse(): never {
  throw new Error('Nothing is ever written.')
}
