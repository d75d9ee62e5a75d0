import { type FileHandle, open } from 'node:fs/promises'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { pathText } from '../../../data/python-text.ts'
import { foreignFile, HEAD_BYTES } from './foreign-files.ts'

const ZIP_SIGNATURE = Buffer.from('PK\x03\x04')
const HDF5_SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
/** A file may begin with something else of 512, 1024, 2048 … bytes; nobody writes more than this before it. */
const MAX_USER_BLOCK = 1 << 20

/**
 * What reads a file, told by its first bytes and never by its name alone.
 * @param asked the path as the person wrote it
 * @throws DataError for what is neither HDF5 nor a zip file, or HDF5 that is being written: what it is, and what to do
 */
export async function formatOf(path: string, asked: string): Promise<'h5ad' | 'zarr-zip'> {
  const file = await openForReading(path, asked)
  try {
    const { size } = await file.stat()
    if (size === 0) {
      throw new DataError(
        'malformed',
        `${quoted(asked)} is empty (0 bytes), not an HDF5 file. Write or download it again.`,
      )
    }
    const head = await readHead(file)
    if (head.subarray(0, ZIP_SIGNATURE.length).equals(ZIP_SIGNATURE)) return 'zarr-zip'
    const superblock = await findSuperblock(file, size)
    if (superblock === null) throw foreignFile(asked, head) ?? noHdf5(asked)
    checkIsClosed(superblock, asked)
    return 'h5ad'
  } finally {
    await file.close()
  }
}

async function readHead(file: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES)
  const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0)
  return head.subarray(0, bytesRead)
}

async function findSuperblock(file: FileHandle, size: number): Promise<Buffer | null> {
  const head = Buffer.alloc(16)
  for (let at = 0; at < size && at <= MAX_USER_BLOCK; at = at === 0 ? 512 : at * 2) {
    await file.read(head, 0, head.length, at)
    if (head.subarray(0, HDF5_SIGNATURE.length).equals(HDF5_SIGNATURE)) return head
  }
  return null
}

/** Since version 3 a file says itself that somebody has it open for writing. */
function checkIsClosed(superblock: Buffer, asked: string): void {
  const version = superblock.readUInt8(8)
  const isOpen = version >= 3 && (superblock.readUInt8(11) & 1) === 1
  if (!isOpen) return
  const found = `${quoted(asked)} is still open for writing in another program, or that one broke off`
  const advice = `Close it there (file.close()); if none has it open, type in a terminal: h5clear -s ${pathText(asked)}`
  throw new DataError('malformed', `${found}. ${advice}`)
}

function noHdf5(asked: string): DataError {
  const found = 'its first bytes are not those of one'
  return new DataError(
    'malformed',
    `${quoted(asked)} is not an HDF5 file: ${found}. Pass a file that adata.write_h5ad() wrote.`,
  )
}

async function openForReading(path: string, asked: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new DataError('not_found', `${quoted(asked)} cannot be opened: you may not read it. Ask its owner.`, {
      cause,
    })
  }
}
