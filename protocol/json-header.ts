/** The JSON object at the head of a frame. @throws what `refusal` makes of what was found instead */
export function parseJsonHeader(
  bytes: Uint8Array,
  refusal: (found: string, cause?: unknown) => Error,
): Record<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw refusal('a header that is not JSON', cause)
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw refusal('a header that is no object')
  if (!isPlain(header, MAX_DEPTH)) throw refusal('a header that nests too deep, or a number too large')
  return header as Record<string, unknown> // just checked; fields stay unknown
}

/** Deeper than anything we say, and far from where functions that call themselves end. */
const MAX_DEPTH = 100

/** Whether it can be written as JSON again, and says the same: what JSON has no number for is read as infinite. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value)
  return parts.every((part) => isPlain(part, depth - 1))
}

const decoder = new TextDecoder('utf-8', { fatal: true })
