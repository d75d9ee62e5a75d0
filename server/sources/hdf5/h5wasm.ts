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
  return library
}
