/**
 * Decode one block of LZF: runs of literal bytes, and copies of what was decoded before.
 * @returns the bytes, or `null` where the block is damaged or grows past `maxBytes`
 */
export function decodeLzf(encoded: Uint8Array, maxBytes: number): Uint8Array | null {
  let out = new Uint8Array(Math.min(maxBytes, encoded.length * 4 + 64))
  let length = 0
  for (let at = 0; at < encoded.length; ) {
    const control = encoded[at++] ?? 0
    const isCopy = control >= 32
    let count = isCopy ? control >> 5 : control + 1
    if (count === 7 && isCopy) count += encoded[at++] ?? 0
    if (isCopy) count += 2
    const needed = length + count
    if (needed > maxBytes) return null
    if (needed > out.length) out = enlarged(out, Math.min(maxBytes, Math.max(needed, out.length * 2)))
    if (isCopy) {
      const from = length - ((control & 31) << 8) - (encoded[at++] ?? 0) - 1
      if (from < 0 || at > encoded.length) return null
      // One by one: a copy may reach into what it is writing, which repeats it.
      for (let i = 0; i < count; i++) out[length + i] = out[from + i] ?? 0
    } else {
      if (at + count > encoded.length) return null
      out.set(encoded.subarray(at, at + count), length)
      at += count
    }
    length = needed
  }
  return out.subarray(0, length)
}

function enlarged(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}
