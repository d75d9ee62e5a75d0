import { DataError } from '../data-source.ts'
import { quoted } from '../near-names.ts'

/** A piece of a value: from `offset`, or its last bytes. */
export type ByteRange = { offset: number; length: number } | { suffixLength: number }

/** Where the values of a zarr hierarchy lie, by key (`obs/zarr.json`). Answers belong to the caller. */
export interface ZarrStore {
  /**
   * A whole value, or a part of it.
   * @returns `null` where there is no such key
   * @throws DataError `too_large` before anything is read that takes more than MAX_VALUE_BYTES, `malformed`
   */
  get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | null>
  /** Names of what lies right below a key, sorted; `null` where this store cannot tell. */
  names(key: string): Promise<readonly string[] | null>
}

/** A chunk has at most 128 MiB unpacked, and does not grow by packing; an index of a shard has less. */
export const MAX_VALUE_BYTES = 144 << 20

/**
 * The bytes that a range means in a value of this size.
 * @throws DataError where they lie outside of it, or are too many
 */
export function resolveRange(key: string, size: number, range?: ByteRange): { offset: number; length: number } {
  if (range === undefined) return checkedSize(key, { offset: 0, length: size })
  if ('suffixLength' in range) {
    if (!(range.suffixLength <= size)) throw outside(key, size)
    return checkedSize(key, { offset: size - range.suffixLength, length: range.suffixLength })
  }
  const { offset, length } = range
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) throw outside(key, size)
  return checkedSize(key, { offset, length })
}

/** @throws DataError `too_large` with both numbers */
export function checkedSize<T extends { length: number }>(key: string, range: T): T {
  if (range.length <= MAX_VALUE_BYTES) return range
  const found = `${quoted(key)} has ${range.length.toLocaleString('en')} bytes in one piece`
  throw new DataError('too_large', `${found}; the limit is ${MAX_VALUE_BYTES.toLocaleString('en')}.`)
}

function outside(key: string, size: number): DataError {
  return new DataError('malformed', `${quoted(key)} is said to hold more than the ${size} bytes it has.`)
}
