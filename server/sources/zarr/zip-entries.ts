import type { FileHandle } from 'node:fs/promises'
import { DataError } from '../../../data/data-source.ts'

/** One value of a zip file. `headerOffset` is where its own header begins, before its bytes. */
export type ZipEntry = {
  method: number
  isEncrypted: boolean
  packedBytes: number
  bytes: number
  headerOffset: number
}

/** The last record has 22 bytes and a comment of at most 65,535. */
const END_BYTES = 22
const MAX_TAIL_BYTES = END_BYTES + 65_535
const END_SIGNATURE = 0x06054b50
const WIDE_END_SIGNATURE = 0x06064b50
const WIDE_LOCATOR_SIGNATURE = 0x07064b50
const WIDE_LOCATOR_BYTES = 20
const WIDE_END_BYTES = 56
const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_BYTES = 46
/** A chunk a value, and a hundred bytes for each. */
const MAX_DIRECTORY_BYTES = 256 << 20
/** "The number is in the extra field." */
const WIDE = 0xffffffff
const WIDE_EXTRA = 1

/**
 * The directory of a zip file, by name; of two entries with one name the later one counts, as for those who write them.
 * @throws DataError `malformed`, `too_large`
 */
export async function readZipEntries(file: FileHandle, size: number): Promise<Map<string, ZipEntry>> {
  const { offset, length } = await findDirectory(file, size)
  if (length > MAX_DIRECTORY_BYTES) {
    throw new DataError('too_large', `The zip file has a directory of ${length.toLocaleString('en')} bytes.`)
  }
  const directory = await readAt(file, offset, length, size)
  const entries = new Map<string, ZipEntry>()
  for (let at = 0; at + ENTRY_BYTES <= directory.length; ) {
    if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw noZip('its directory is damaged')
    const nameBytes = directory.readUInt16LE(at + 28)
    const extraBytes = directory.readUInt16LE(at + 30)
    const end = at + ENTRY_BYTES + nameBytes + extraBytes + directory.readUInt16LE(at + 32)
    if (end > directory.length) throw noZip('its directory is cut')
    const name = directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)
    if (!name.endsWith('/')) entries.set(name, readEntry(directory, at, nameBytes, extraBytes))
    at = end
  }
  return entries
}

function readEntry(directory: Buffer, at: number, nameBytes: number, extraBytes: number): ZipEntry {
  const wide = wideNumbers(directory.subarray(at + ENTRY_BYTES + nameBytes, at + ENTRY_BYTES + nameBytes + extraBytes))
  // Each number that did not fit has moved to the extra field, in this order.
  const numberAt = (place: number) => {
    const number = directory.readUInt32LE(at + place)
    return number === WIDE ? (wide.shift() ?? number) : number
  }
  const bytes = numberAt(24)
  const packedBytes = numberAt(20)
  const headerOffset = numberAt(42)
  const isEncrypted = (directory.readUInt16LE(at + 8) & 1) === 1
  return { method: directory.readUInt16LE(at + 10), isEncrypted, bytes, packedBytes, headerOffset }
}

function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== WIDE_EXTRA) continue
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
    return Array.from({ length: Math.floor(field.length / 8) }, (_, i) => Number(field.readBigUInt64LE(i * 8)))
  }
  return []
}

async function findDirectory(file: FileHandle, size: number): Promise<{ offset: number; length: number }> {
  const tailBytes = Math.min(size, MAX_TAIL_BYTES)
  const tail = await readAt(file, size - tailBytes, tailBytes, size)
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue
    const directory = { offset: tail.readUInt32LE(at + 16), length: tail.readUInt32LE(at + 12) }
    const isWide = directory.offset === WIDE || directory.length === WIDE || tail.readUInt16LE(at + 10) === 0xffff
    if (!isWide) return directory
    return findWideDirectory(file, size, size - tailBytes + at - WIDE_LOCATOR_BYTES)
  }
  throw noZip('its end is missing')
}

async function findWideDirectory(file: FileHandle, size: number, at: number) {
  const locator = await readAt(file, at, WIDE_LOCATOR_BYTES, size)
  if (locator.readUInt32LE(0) !== WIDE_LOCATOR_SIGNATURE) throw noZip('its end is damaged')
  const end = await readAt(file, Number(locator.readBigUInt64LE(8)), WIDE_END_BYTES, size)
  if (end.readUInt32LE(0) !== WIDE_END_SIGNATURE) throw noZip('its end is damaged')
  return { offset: Number(end.readBigUInt64LE(48)), length: Number(end.readBigUInt64LE(40)) }
}

async function readAt(file: FileHandle, offset: number, length: number, size: number): Promise<Buffer> {
  if (offset < 0 || offset + length > size) throw noZip('it is cut')
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, offset)
  if (bytesRead < length) throw noZip('it is cut')
  return bytes
}

function noZip(how: string): DataError {
  return new DataError('malformed', `It is no whole zip file: ${how}. Copy or download it again.`)
}
