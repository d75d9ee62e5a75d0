import type { Values } from '../../protocol/column-frame.ts'
import type { NumberArray, ValueType } from '../stored-tree.ts'

/** All whole numbers up to here are float32 numbers. */
const MAX_WHOLE_FLOAT32 = 2 ** 24
/** Up to here float32 keeps a part of what stands behind the point. */
const MAX_FRACTION = 2 ** 22
const SMALLEST_NORMAL = 2 ** -126
/** A range takes at least so many steps of float32, or its values run together. */
const MIN_STEPS = 2 ** 12

/** Said of whole numbers that came as doubles. */
export const ROUNDED_NOTE = 'Digits beyond 2^53 (9,007,199,254,740,992) are rounded.'

/** A copy of values as float32, and whether it loses what a user can see; `_arrays/value_types.py` has the same rules. */
export class Float32Copy {
  readonly values: Float32Array
  readonly #most: number
  readonly #isWhole: boolean
  readonly #isExact: boolean
  #low = Number.POSITIVE_INFINITY
  #high = Number.NEGATIVE_INFINITY
  #hasRounded = false
  #hasLost = false

  constructor(length: number, type: ValueType) {
    this.values = new Float32Array(length)
    this.#isWhole = isWhole(type)
    this.#most = mostOf(type)
    this.#isExact = fitsFloat32(type)
  }

  /** @param offset of the block among all values */
  add(block: NumberArray, offset: number): void {
    if (this.#isExact) this.values.set(block, offset)
    else this.#round(block, offset)
  }

  get isEnough(): boolean {
    const size = Math.max(Math.abs(this.#low), Math.abs(this.#high))
    const isNarrow = this.#low < this.#high && this.#high - this.#low < size / MIN_STEPS
    return !this.#hasLost && !(this.#hasRounded && isNarrow)
  }

  #round(block: NumberArray, offset: number): void {
    const { values } = this
    const most = this.#most
    const isWhole = this.#isWhole
    let low = this.#low
    let high = this.#high
    let hasRounded = this.#hasRounded
    let hasLost = this.#hasLost
    for (let i = 0; i < block.length; i++) {
      const value = block[i] ?? 0
      values[offset + i] = value
      if (value < low && value !== Number.NEGATIVE_INFINITY) low = value
      if (value > high && value !== Number.POSITIVE_INFINITY) high = value
      if (Math.fround(value) !== value) {
        hasRounded = true
        hasLost ||= isLostInFloat32(value, most)
      } else if (isWhole) hasLost ||= value > most || value < -most
    }
    this.#low = low
    this.#high = high
    this.#hasRounded = hasRounded
    this.#hasLost = hasLost
  }
}

/** Of a value that float32 rounds, whether a user can see it; NaN is not rounded. @param most see {@link mostOf} */
export function isLostInFloat32(value: number, most: number): boolean {
  const size = Math.abs(value)
  return size > most || size < SMALLEST_NORMAL
}

/** Numbers of the type may be rounded up to here. */
export function mostOf(type: ValueType): number {
  return isWhole(type) ? MAX_WHOLE_FLOAT32 : MAX_FRACTION
}

/** Whether float32 holds every number of the type. */
export function fitsFloat32(type: ValueType): boolean {
  if (type.kind === 'float') return type.bytes <= 4
  return !isWhole(type) || ('bytes' in type && type.bytes <= 2)
}

/** Coordinates as they are stored: rounded to 32 bits only where they have no more, as they are centred first. */
export type Positions = Float32Array | Float64Array

/** Room for coordinates of a type; `positions` in `_arrays/value_types.py` has the same rule. */
export function emptyPositions(type: ValueType, length: number): Positions {
  return fitsFloat32(type) ? new Float32Array(length) : new Float64Array(length)
}

/** The same numbers in the narrowest type; the array itself where they are doubles. */
export function narrowest(values: Float64Array, type: ValueType): Values {
  const copy = new Float32Copy(values.length, type)
  copy.add(values, 0)
  if (copy.isEnough) return copy.values
  return isWhole(type) ? integersOf(values) : values
}

/** Whole numbers as integers of 32 bits, or as they came where one does not fit, or is missing. */
export function integersOf(values: Float64Array): Values {
  let low = 0
  let high = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (Number.isNaN(value)) return values
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low >= -(2 ** 31) && high < 2 ** 31) return Int32Array.from(values)
  return low >= 0 && high < 2 ** 32 ? Uint32Array.from(values) : values
}

export function isWhole({ kind }: ValueType): boolean {
  return kind === 'int' || kind === 'uint'
}

/** Whether these are whole numbers that doubles cannot hold, so that they were rounded. */
export function isRounded(values: Values, type: ValueType): boolean {
  if (!isWhole(type) || !(values instanceof Float64Array)) return false
  return values.some((value) => Math.abs(value) >= 2 ** 53)
}

/** Numbers as a reader answers them: narrow, and with a note where some were rounded on their way. */
export function geneValues(values: Values, type: ValueType): { values: Values; note?: string } {
  const note = isRounded(values, type) ? { note: ROUNDED_NOTE } : {}
  return { values: values instanceof Float64Array ? narrowest(values, type) : values, ...note }
}

/** So many zeros of the same type. */
export function emptyLike(values: Values, length: number): Values {
  if (values instanceof Float32Array) return new Float32Array(length)
  if (values instanceof Float64Array) return new Float64Array(length)
  return values instanceof Int32Array ? new Int32Array(length) : new Uint32Array(length)
}

/** One after the other, in the type of both, else as doubles, which hold all of them. */
export function joinedValues(first: Values, second: Values): Values {
  const length = first.length + second.length
  const out = first.constructor === second.constructor ? emptyLike(first, length) : new Float64Array(length)
  out.set(first)
  out.set(second, first.length)
  return out
}
