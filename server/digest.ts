import { createHash, timingSafeEqual } from 'node:crypto'

/** SHA-256 of a secret: what is kept and compared in its place. */
export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Compare two digests in constant time. */
export function sameDigest(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
