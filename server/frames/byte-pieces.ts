/** Up to here one piece is less work to send than several. */
const JOINED_BYTES = 64 << 10

/**
 * Bytes that lie in several places and are sent one after the other: to put the positions of a million cells behind
 * their head would take longer than to read them.
 */
export class Pieces {
  readonly pieces: readonly Uint8Array[]
  readonly byteLength: number

  constructor(pieces: readonly Uint8Array[]) {
    this.byteLength = pieces.reduce((total, piece) => total + piece.byteLength, 0)
    this.pieces = this.byteLength <= JOINED_BYTES ? [Buffer.concat(pieces)] : pieces
  }

  /** A view where the bytes lie together. */
  slice(start: number, end: number): Uint8Array {
    const parts: Uint8Array[] = []
    let begin = 0
    for (const piece of this.pieces) {
      const part = piece.subarray(Math.max(0, start - begin), Math.max(0, end - begin))
      if (part.length > 0) parts.push(part)
      begin += piece.byteLength
    }
    const [only] = parts
    return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts)
  }
}
