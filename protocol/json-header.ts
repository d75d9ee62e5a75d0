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
  return header as Record<string, unknown> // just checked; fields stay unknown
}

const decoder = new TextDecoder('utf-8', { fatal: true })
