/** As many bytes as one call takes for arguments on every browser's stack; a multiple of 3. */
const CHUNK_BYTES = 0x6000

/** Bytes as text, where a message carries nothing else. */
export function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = []
  for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
    chunks.push(btoa(String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES))))
  }
  return chunks.join('')
}

/** @throws DOMException when it is no base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let place = 0; place < bytes.length; place++) bytes[place] = characters.charCodeAt(place)
  return bytes
}
