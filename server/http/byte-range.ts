import { LIMITS } from '../process/limits.ts'

/** Half open. */
export type ByteRange = { start: number; end: number }

/**
 * The part that a Range header asks for.
 * @returns `null` where it is to be ignored: another unit, several parts, no numbers, or nothing there to have a part;
 *   `'unsatisfiable'` past the end
 */
export function parseRange(header: string, length: number): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header)
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? '']
  // An empty body is whole without a part, and whoever asks for "the first mebibyte" is to have it.
  if (length === 0 || (first === '' && last === '')) return null
  if (first === '') return bounded(Math.max(0, length - Number(last)), length, length)
  if (last !== '' && Number(last) < Number(first)) return null
  return bounded(Number(first), last === '' ? length : Number(last) + 1, length)
}

function bounded(start: number, end: number, length: number): ByteRange | 'unsatisfiable' {
  if (start >= length) return 'unsatisfiable'
  return { start, end: Math.min(end, length, start + LIMITS.rangeBytes) }
}
