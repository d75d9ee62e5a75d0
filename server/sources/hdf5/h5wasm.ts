/** What of h5wasm's low level is used: the high level ignores states and copies twice. */
export type Hdf5Library = Awaited<typeof import('h5wasm/node')['ready']>
export type Hdf5Metadata = ReturnType<Hdf5Library['get_dataset_metadata']>

/**
 * Load the library, once per thread; 100 to 300 ms.
 * Its errors throw from here on: by default a read that failed (missing filter, damaged chunk) returns uninitialised
 * memory with nothing but a line on stderr.
 */
export async function loadHdf5(): Promise<Hdf5Library> {
  const { ready } = await import('h5wasm/node')
  const library = await ready
  library.activate_throwing_error_handler()
  limitMemory()
  return library
}

/** WebAssembly counts memory in pages. */
const PAGE_BYTES = 64 << 10
/** A chunk that inflates without end takes what it can get; 2 GiB by the library's own measure. */
const MAX_MEMORY_BYTES = 1 << 30

type Memory = { buffer: ArrayBuffer; grow: (pages: number) => number }

/** From now on the library's memory ends at 1 GiB; past it an allocation fails as on a full machine. */
function limitMemory(): void {
  // Node's types leave WebAssembly out; every Node has it.
  const { prototype } = (Reflect.get(globalThis, 'WebAssembly') as { Memory: { prototype: Memory } }).Memory
  const grow = prototype.grow
  prototype.grow = function (this: Memory, pages) {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES) throw new RangeError('Out of memory')
    return grow.call(this, pages)
  }
}
