import fc from 'fast-check'

/** Each size, one less and one more; nothing, and what fits into one word. */
export function around(...sizes: number[]): number[] {
  const all = [0, 1, 7, 8, ...sizes.flatMap((size) => [size - 1, size, size + 1])]
  return [...new Set(all.filter((size) => size >= 0))].sort((a, b) => a - b)
}

/** The largest size from 0 to `high` that still fits; `fits` never becomes true again. */
export function largest(fits: (size: number) => boolean, high: number): number {
  let low = 0
  let top = high
  while (low < top) {
    const middle = Math.ceil((low + top) / 2)
    if (fits(middle)) low = middle
    else top = middle - 1
  }
  return low
}

/** Bytes that differ from place to place, the same in every run. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8)) & 255
  return bytes
}

/** Without the element-wise comparison of `expect`, which takes seconds for a megabyte. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** What is said at once: bodies of these sizes, each as bulk or not. */
export function messages(sizes: readonly number[], maxLength = 6): fc.Arbitrary<{ size: number; isBulk: boolean }[]> {
  const message = fc.record({ size: fc.constantFrom(...sizes), isBulk: fc.boolean() })
  return fc.array(message, { minLength: 1, maxLength })
}
