import * as zarr from 'zarrita'
import { DataError } from '../data-source.ts'
import { utf8At } from '../values/utf8.ts'

/** A chunk has 128 MiB at most; texts of one may be longer than the pointers at them. */
const MAX_UNPACKED_BYTES = 192 << 20

type Entry = NonNullable<ReturnType<typeof zarr.registry.get>> extends () => Promise<infer T> ? T : never
/** Unpacks bytes; rejects where they would be more than `maxBytes`. */
export type Unpack = (packed: Uint8Array, maxBytes: number) => Promise<Uint8Array>
/** What the platform unpacks itself, faster than the library does. */
export type Unpackers = Record<'gzip' | 'zlib' | 'zstd', Unpack>

/** Codecs that are read, by their names in either format. */
export const CODEC_NAMES: ReadonlySet<string> = new Set(
  ['blosc', 'lz4', 'zstd', 'gzip', 'zlib', 'vlen-utf8', 'shuffle', 'delta']
    .flatMap((name) => [name, `numcodecs.${name}`])
    .concat('bytes', 'crc32c', 'transpose'),
)

let isReady = false

/**
 * Load what unpacks by way of WebAssembly, while files of the program may still be read, and replace the library's ways of
 * unpacking by some that know how much there may be before they begin: the platform's own where it has one, and a look at
 * the head of what the others unpack. Nothing is read before this is done.
 */
export async function loadCodecs(unpackers: Unpackers): Promise<void> {
  if (isReady) return
  isReady = true
  const [blosc, lz4] = await Promise.all([zarr.registry.get('blosc')?.(), zarr.registry.get('lz4')?.()])
  const own: Record<string, () => Promise<Entry>> = {
    gzip: () => entryOf(unpackers.gzip),
    zlib: () => entryOf(unpackers.zlib),
    zstd: () => entryOf(unpackers.zstd),
    blosc: guarded(blosc, 4),
    lz4: guarded(lz4, 0),
    'vlen-utf8': async () => ({ kind: 'array_to_bytes', fromConfig: (_, { shape }) => textsOf(shape) }),
  }
  for (const [name, entry] of Object.entries(own)) {
    zarr.registry.set(name, entry)
    zarr.registry.set(`numcodecs.${name}`, entry)
  }
}

async function entryOf(unpack: Unpack): Promise<Entry> {
  const decode = async (packed: Uint8Array) => Uint8Array.from(await unpack(packed, MAX_UNPACKED_BYTES))
  return { kind: 'bytes_to_bytes', fromConfig: () => ({ kind: 'bytes_to_bytes', encode: refuse, decode }) }
}

/** The library's own, once the head of what is packed says no more than there may be. @param at where it says so */
function guarded(library: Entry | undefined, at: number): () => Promise<Entry> {
  return async () => {
    if (library === undefined) throw new Error('The library does not bring this codec.')
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

function readTexts(bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = bytes.length < 4 ? 0 : view.getUint32(0, true)
  if (found !== count) throw new DataError('malformed', `holds ${found} texts where ${count} belong.`)
  const texts: string[] = []
  let at = 4
  for (let i = 0; i < count; i++) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (at + 4 + length > bytes.length) throw new DataError('malformed', `ends within text ${i}.`)
    texts.push(utf8At(bytes, at + 4, at + 4 + length))
    at += 4 + length
  }
  return texts
}

function refuse(): never {
  throw new Error('Nothing is ever written.')
}
