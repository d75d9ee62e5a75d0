import { DataError } from '../../../data/data-source.ts'
import type { Hdf5File } from './hdf5-file.ts'

/** Filters that are built into the library: deflate, shuffle, fletcher32, n-bit, scale-offset. */
const BUILT_IN = new Set([1, 2, 3, 5, 6])

const NAMES: Record<number, string> = {
  4: 'szip',
  307: 'bzip2',
  32000: 'lzf',
  32001: 'blosc',
  32004: 'lz4',
  32008: 'bitshuffle',
  32013: 'zfp',
  32015: 'zstd',
  32017: 'sz',
  32024: 'SZ3',
  32026: 'blosc2',
}

/**
 * Filters are looked at before a read: a missing one would fail in the middle of it.
 * @throws DataError `unsupported` naming the filter
 */
export function checkFilters({ library, id: fileId, plugins }: Hdf5File, objectPath: string, place: string): void {
  for (const { id, name } of library.get_dataset_filters(fileId, objectPath)) {
    if (BUILT_IN.has(id) || plugins.has(id)) continue
    const known = NAMES[id] ?? (name === '' ? 'unknown' : name.slice(0, 40))
    throw new DataError(
      'unsupported',
      `${place} is compressed with HDF5 filter ${id} (${known}), which this reader lacks. Write the file again with gzip.`,
    )
  }
}
