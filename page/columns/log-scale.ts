/** log(1 + |x|) with the sign of x, so that scaled data below 0 keeps its order; 0 stays 0. */
export function toLog(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value))
}

/** The value whose logarithm this is. */
export function fromLog(value: number): number {
  return Math.sign(value) * Math.expm1(Math.abs(value))
}
