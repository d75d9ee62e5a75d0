import { readSync } from 'node:fs'

/** Where the bytes of one chunk lie in the file, packed; `start` is its first place along the first axis. */
export type ChunkPlace = { start: number; address: number; bytes: number; filterMask: number }

/** Chunks of this size are few; a file that says otherwise is not believed. */
const MAX_CHUNKS = 4096
const MAX_NODES = 8192
const MAX_HEADER_BYTES = 16 << 20
const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])

const LAYOUT = 0x08
const CONTINUATION = 0x10
const CHUNKED = 2
const SINGLE_CHUNK = 1

/**
 * Find the chunks of a dataset in the file itself: the library has no way to read a part of a chunk, and needs several
 * times its size to unpack it. Understands the index that HDF5 writes by default (a B-tree of version 1) and the one for
 * a single chunk. See https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 * @param object the address of the dataset's header, as an object reference holds it
 * @returns `null` where the file says it in another way
 */
export function findChunks(fd: number, object: number): ChunkPlace[] | null {
  try {
    const base = baseOf(fd)
    const layout = base === null ? null : layoutOf(fd, base, object)
    if (base === null || layout === null) return null
    const version = layout.readUInt8(0)
    if (layout.readUInt8(1) !== CHUNKED) return null
    if (version === 3) return chunksOfTree(fd, base, layout)
    return version === 4 || version === 5 ? singleChunk(layout, base) : null
  } catch (error) {
    // A number that leads out of what was read.
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Where addresses count from: the file may begin with something else. `null` for addresses of another size. */
function baseOf(fd: number): number | null {
  for (let at = 0; at <= 1 << 20; at = at === 0 ? 512 : at * 2) {
    const head = readAt(fd, at, 16)
    if (!head.subarray(0, 8).equals(SIGNATURE)) continue
    const version = head.readUInt8(8)
    const [offsetBytes, lengthBytes] = version < 2 ? [head[13], head[14]] : [head[9], head[10]]
    return offsetBytes === 8 && lengthBytes === 8 ? at : null
  }
  return null
}

/** The message of a dataset's header that says how it is laid out. */
function layoutOf(fd: number, base: number, object: number): Buffer | null {
  const head = readAt(fd, base + object, 64)
  const isNew = head.toString('latin1', 0, 4) === 'OHDR'
  const blocks = [isNew ? firstBlock2(head, object) : { at: object + 16, bytes: head.readUInt32LE(8) }]
  const flags = isNew ? head.readUInt8(5) : 0
  let bytesLeft = MAX_HEADER_BYTES
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    bytesLeft -= block.bytes
    if (bytesLeft < 0) return null
    for (const { type, body } of messagesIn(readAt(fd, base + block.at, block.bytes), isNew, flags)) {
      if (type === LAYOUT) return body
      if (type !== CONTINUATION) continue
      const at = numberAt(body, 0)
      const bytes = numberAt(body, 8)
      // Newer blocks have a name before and a checksum behind.
      blocks.push(isNew ? { at: at + 4, bytes: bytes - 8 } : { at, bytes })
    }
  }
  return null
}

function firstBlock2(head: Buffer, object: number): { at: number; bytes: number } {
  const flags = head.readUInt8(5)
  let at = 6 + ((flags & 0x20) === 0 ? 0 : 16) + ((flags & 0x10) === 0 ? 0 : 4)
  const width = 1 << (flags & 3)
  const bytes = width === 8 ? numberAt(head, at) : head.readUIntLE(at, width)
  at += width
  return { at: object + at, bytes }
}

function* messagesIn(block: Buffer, isNew: boolean, flags: number): Generator<{ type: number; body: Buffer }> {
  const head = isNew ? 4 + ((flags & 4) === 0 ? 0 : 2) : 8
  for (let at = 0; at + head <= block.length; ) {
    const type = isNew ? block.readUInt8(at) : block.readUInt16LE(at)
    const bytes = block.readUInt16LE(at + (isNew ? 1 : 2))
    yield { type, body: block.subarray(at + head, at + head + bytes) }
    at += head + bytes
  }
}

function singleChunk(layout: Buffer, base: number): ChunkPlace[] | null {
  const flags = layout.readUInt8(2)
  const axes = layout.readUInt8(3)
  const at = 5 + axes * layout.readUInt8(4)
  // Without filters its length stands nowhere; then the library reads it as it reads anything.
  if (layout.readUInt8(at) !== SINGLE_CHUNK || (flags & 2) === 0) return null
  const address = numberAt(layout, at + 13)
  return [
    { start: 0, bytes: numberAt(layout, at + 1), filterMask: layout.readUInt32LE(at + 9), address: base + address },
  ]
}

function chunksOfTree(fd: number, base: number, layout: Buffer): ChunkPlace[] | null {
  const axes = layout.readUInt8(2)
  const found: ChunkPlace[] = []
  const keyBytes = 8 + axes * 8
  const nodes = [{ at: numberAt(layout, 3), level: Number.POSITIVE_INFINITY }]
  let nodesLeft = MAX_NODES
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    const head = readAt(fd, base + node.at, 24)
    const level = head.readUInt8(5)
    if (head.toString('latin1', 0, 4) !== 'TREE' || head.readUInt8(4) !== 1 || level >= node.level) return null
    const count = head.readUInt16LE(6)
    const body = readAt(fd, base + node.at + 24, count * (keyBytes + 8))
    for (let i = 0; i < count; i++) {
      const at = i * (keyBytes + 8)
      const child = numberAt(body, at + keyBytes)
      if (level > 0) nodes.push({ at: child, level })
      else {
        const filterMask = body.readUInt32LE(at + 4)
        found.push({ start: numberAt(body, at + 8), bytes: body.readUInt32LE(at), filterMask, address: base + child })
      }
    }
    if (--nodesLeft < 0 || found.length > MAX_CHUNKS) return null
  }
  return found.sort((a, b) => a.start - b.start)
}

/** @throws RangeError for what no file is long enough for */
function numberAt(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigUInt64LE(at))
  if (!Number.isSafeInteger(value)) throw new RangeError('No address.')
  return value
}

function readAt(fd: number, at: number, bytes: number): Buffer {
  if (bytes < 0 || bytes > MAX_HEADER_BYTES) throw new RangeError('No header.')
  const buffer = Buffer.alloc(bytes)
  readSync(fd, buffer, 0, bytes, at)
  return buffer
}
