import type { NumberArray, ValueType } from '../stored-tree.ts'
import { wideToDouble } from './wide-integers.ts'

/** Numbers where they lie in memory, as a view; those that JavaScript has no array for are decoded into a new one. */
export function viewNumbers(heap: Uint8Array, type: ValueType, place: number, count: number): NumberArray {
  const bytes = type.kind === 'bool' ? 1 : 'bytes' in type ? type.bytes : 1
  const { buffer } = heap
  const start = heap.byteOffset + place
  if (type.kind === 'float') {
    if (bytes === 2) return halfToFloat(new Uint16Array(buffer, start, count))
    return bytes === 4 ? new Float32Array(buffer, start, count) : new Float64Array(buffer, start, count)
  }
  const isSigned = type.kind === 'int'
  switch (bytes) {
    case 1:
      return isSigned ? new Int8Array(buffer, start, count) : new Uint8Array(buffer, start, count)
    case 2:
      return isSigned ? new Int16Array(buffer, start, count) : new Uint16Array(buffer, start, count)
    case 4:
      return isSigned ? new Int32Array(buffer, start, count) : new Uint32Array(buffer, start, count)
    default:
      return wideToDouble(new Uint32Array(buffer, start, count * 2), isSigned)
  }
}

/** Whole numbers as texts with all their digits. */
export function digitsAt(heap: Uint8Array, type: ValueType, place: number, count: number): string[] {
  if (!('bytes' in type) || type.bytes < 8) return Array.from(viewNumbers(heap, type, place, count), String)
  const { buffer } = heap
  const start = heap.byteOffset + place
  const items = type.kind === 'int' ? new BigInt64Array(buffer, start, count) : new BigUint64Array(buffer, start, count)
  return Array.from(items, String)
}

/** IEEE 754 half precision, which the library leaves undecoded. */
export function halfToFloat(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] ?? 0
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 31) out[i] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
    else out[i] = exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
  return out
}
