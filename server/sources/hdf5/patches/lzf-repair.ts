import type { Hdf5Library } from '../h5wasm.ts'
import { decodeLzf } from './lzf.ts'

/** Decoding, not encoding, in the flags that HDF5 passes to a filter. */
const REVERSE = 0x100
/** A chunk that grows to more is refused, as it is before a read. */
const MAX_DECODED_BYTES = 64 << 20
/** A WebAssembly module that lends its import `e.f`, (6 × i32) → i32, the form that a table takes. */
const TRAMPOLINE = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 11, 1, 96, 6, 127, 127, 127, 127, 127, 127, 1, 127],
  ...[2, 7, 1, 1, 101, 1, 102, 0, 0, 7, 5, 1, 1, 102, 0, 0],
])

type Filter = (...args: [number, number, number, number, number, number]) => number
type Table = { get: (place: number) => Filter; set: (place: number, filter: unknown) => void }
type Env = Record<string, unknown>
type Imports = Record<string, Env>
type Wasm = {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: Imports) => { exports: Env }
}

/**
 * Make the published lzf filter read texts. It gives up where a chunk grows to more than the buffer it took first, as
 * all texts do that anndata writes with `compression="lzf"`, and it asks for an `errno` that the library does not lend.
 * So filters get one, and where that one gives up, the chunk is decoded here.
 */
export function repairLzf(library: Hdf5Library): void {
  const errno = library._malloc(4)
  // Node's types leave WebAssembly out; every Node has it.
  const wasm = Reflect.get(globalThis, 'WebAssembly') as Wasm
  const Instance = wasm.Instance
  wasm.Instance = class extends Instance {
    constructor(module: object, imports: Imports) {
      const env = imports.env ?? {}
      super(module, { ...imports, env: withErrno(env, errno) })
      if (!('lzf_decompress' in this.exports)) return
      // Every filter imports both; its function is the only one that this filter puts into the table.
      const place = env.__table_base as number
      const table = env.__indirect_function_table as Table
      const repaired = repair(library, table.get(place))
      table.set(place, new Instance(new wasm.Module(TRAMPOLINE), { e: { f: repaired } }).exports.f)
    }
  }
}

function withErrno(env: Env, place: number): Env {
  return new Proxy(env, {
    get: (target, name) => (name === '__errno_location' ? () => place : Reflect.get(target, name)),
  })
}

/** As HDF5 calls filters: `bufferPlace` and `sizePlace` point at the buffer's address and size, both to be replaced. */
function repair(library: Hdf5Library, original: Filter): Filter {
  return (flags, optionCount, options, byteCount, sizePlace, bufferPlace) => {
    const length = original(flags, optionCount, options, byteCount, sizePlace, bufferPlace)
    if (length !== 0 || (flags & REVERSE) === 0) return length
    const encoded = new DataView(library.HEAPU8.buffer).getUint32(bufferPlace, true)
    const decoded = decodeLzf(library.HEAPU8.subarray(encoded, encoded + byteCount), MAX_DECODED_BYTES)
    const buffer = decoded === null ? 0 : library._malloc(decoded.length)
    if (decoded === null || buffer === 0) return 0
    library.HEAPU8.set(decoded, buffer)
    library._free(encoded)
    const memory = new DataView(library.HEAPU8.buffer)
    memory.setUint32(bufferPlace, buffer, true)
    memory.setUint32(sizePlace, decoded.length, true)
    return decoded.length
  }
}
