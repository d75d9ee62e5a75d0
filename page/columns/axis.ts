import { fromLog, toLog } from './log-scale.ts'

/** Where values stand between the ends of a range, linear or by their logarithm. */
export type Axis = {
  /** The values at both ends. */
  ends: readonly [number, number]
  /** 0 at the low end, 1 at the high one; beyond for values beyond. */
  place(value: number): number
  value(place: number): number
}

export function axisOf(ends: readonly [number, number], isLog: boolean): Axis {
  const [low, high] = isLog ? [toLog(ends[0]), toLog(ends[1])] : ends
  // Halves: the span of the largest numbers is no number.
  const span = high / 2 - low / 2
  return {
    ends,
    place: (value) => ((isLog ? toLog(value) : value) / 2 - low / 2) / span,
    value: (place) => {
      const at = low + place * span + place * span
      return isLog ? fromLog(at) : at
    },
  }
}
