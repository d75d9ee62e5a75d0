const decoder = new TextDecoder()
/** Up to here a text that is ASCII is made faster than by a TextDecoder. */
const SHORT_BYTES = 64

/** A text that stands in bytes as UTF-8, from `start` to before `end`; what is no UTF-8 becomes U+FFFD. */
export function utf8At(bytes: Uint8Array, start: number, end: number): string {
  const text = bytes.subarray(start, end)
  const isShort = text.length < SHORT_BYTES && text.every((byte) => byte < 128)
  return isShort ? String.fromCharCode(...text) : decoder.decode(text)
}
