import { realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import * as v from 'valibot'
import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { openRegularFile } from '../regular-file.ts'

const inflate = promisify(gunzip)
const MAX_MANIFEST_BYTES = 64 << 20
const MAX_ARRAY_BYTES = 1 << 30
/** A gzip file that is larger than this and its content does not hold what it should. */
const MAX_GZIP_OVERHEAD = 1 << 16

/** The files of one folder, none of them outside of it. */
export class ExportFiles {
  readonly root: string

  /** @param root a real path */
  constructor(root: string) {
    this.root = root
  }

  /** A manifest, checked. `null` where there is no such file. @throws DataError `malformed` */
  async manifest<Schema extends v.GenericSchema>(name: string, schema: Schema): Promise<v.InferOutput<Schema> | null> {
    const bytes = await this.#read(name, MAX_MANIFEST_BYTES)
    if (bytes === null) return null
    const parsed = v.safeParse(schema, parseJson(bytes, name))
    if (parsed.success) return parsed.output
    const [issue] = parsed.issues
    const place = v.getDotPath(issue) ?? 'its top'
    throw new DataError('malformed', `${quoted(name)} is not what cellucid writes: at ${place}, ${issue.message}.`)
  }

  async has(name: string): Promise<boolean> {
    return (await this.#resolve(name)) !== null
  }

  /**
   * Bytes of an array, inflated where the name ends with `.gz`.
   * @param byteLength what they must be, and not a byte more
   */
  async array(path: string, byteLength: number): Promise<ArrayBuffer> {
    if (byteLength > MAX_ARRAY_BYTES) {
      const limit = MAX_ARRAY_BYTES.toLocaleString('en')
      throw new DataError(
        'too_large',
        `${quoted(path)} would take ${byteLength.toLocaleString('en')} bytes; the limit is ${limit}.`,
      )
    }
    const isPacked = path.endsWith('.gz')
    const stored = await this.#read(path, byteLength + (isPacked ? MAX_GZIP_OVERHEAD : 0))
    if (stored === null) throw new DataError('malformed', `The manifest names ${quoted(path)}, which is not there.`)
    const bytes = isPacked ? await unpack(stored, path, byteLength) : stored
    if (bytes.length !== byteLength) {
      throw new DataError('malformed', `${quoted(path)} has ${bytes.length} bytes where ${byteLength} belong.`)
    }
    // An own buffer, so that arrays of any type begin at its start.
    return Uint8Array.from(bytes).buffer
  }

  /** As stored. `null` where there is no such file. */
  async bytes(path: string): Promise<Buffer | null> {
    return this.#read(path, MAX_ARRAY_BYTES)
  }

  /** @returns `null` where there is no such file. @throws DataError where it leads outside or is too large */
  async #read(path: string, maxBytes: number): Promise<Buffer | null> {
    const real = await this.#resolve(path)
    if (real === null) return null
    const { file, info } = await openRegularFile(real, path)
    try {
      if (info.size > maxBytes) {
        throw new DataError('malformed', `${quoted(path)} has ${info.size} bytes where at most ${maxBytes} belong.`)
      }
      return await file.readFile()
    } finally {
      await file.close()
    }
  }

  async #resolve(path: string): Promise<string | null> {
    let real: string
    try {
      real = await realpath(join(this.root, path))
    } catch {
      return null // no such file
    }
    const inside = relative(this.root, real)
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`)) {
      throw new DataError('malformed', `${quoted(path)} leads out of the folder, where nothing is read.`)
    }
    return real
  }
}

async function unpack(stored: Buffer, path: string, byteLength: number): Promise<Buffer> {
  try {
    // One byte more, so that a longer content is told from one that is as it should be.
    return await inflate(stored, { maxOutputLength: byteLength + 1 })
  } catch (cause) {
    throw new DataError('malformed', `${quoted(path)} does not unpack to ${byteLength} bytes.`, { cause })
  }
}

function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new DataError('malformed', `${quoted(name)} is not JSON.`, { cause })
  }
}
