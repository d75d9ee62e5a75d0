import { hash, timingSafeEqual } from 'node:crypto'

/** SHA-256 of a secret: what is kept and compared in its place. */
export function digest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** The same as 64 hex characters: a name under which something is kept, so that looking for it tells nothing of the secret. */
export function digestName(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Compare two digests in constant time. */
export function sameDigest(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
