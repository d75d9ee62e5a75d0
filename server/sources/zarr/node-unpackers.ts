import { promisify } from 'node:util'
import { gunzip, inflate, zstdDecompress } from 'node:zlib'
import type { Unpackers } from '../../../data/zarr/zarr-codecs.ts'

/** Node's own ways of unpacking: they know before they begin how much there may be. */
export const NODE_UNPACKERS: Unpackers = {
  gzip: (packed, maxOutputLength) => promisify(gunzip)(packed, { maxOutputLength }),
  zlib: (packed, maxOutputLength) => promisify(inflate)(packed, { maxOutputLength }),
  zstd: (packed, maxOutputLength) => promisify(zstdDecompress)(packed, { maxOutputLength }),
}
