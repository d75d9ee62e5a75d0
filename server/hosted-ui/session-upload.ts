import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ProtocolError } from '../../protocol/errors.ts'
import { LIMITS } from '../process/limits.ts'

/** How cellucid's session files begin. */
const MAGIC = Buffer.from('CELLUCID_SESSION\n')

/**
 * Write an uploaded session into a file of this user's alone, as it comes.
 * @returns its path and bytes
 * @throws ProtocolError `too_large`, or `bad_request` when it is no session; nothing stays then
 */
export async function saveSession(body: Readable, folder: string): Promise<{ path: string; bytes: number }> {
  const path = join(folder, `${randomBytes(8).toString('hex')}.cellucid-session`)
  const file = await open(path, 'wx', 0o600)
  let bytes = 0
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > LIMITS.sessionBundleBytes) throw new ProtocolError('too_large', 'The session is larger than 512 MB.')
      if (head.length < MAGIC.length) head = Buffer.concat([head, chunk]).subarray(0, MAGIC.length)
      await file.write(chunk)
    }
    if (!head.equals(MAGIC)) throw new ProtocolError('bad_request', 'This is no session of cellucid.')
    return { path, bytes }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
