/** Natural logarithms of two-sided p values: right far below the smallest double, where p itself is 0. */

const LN_PI = Math.log(Math.PI)
/** The continued fractions converge in far fewer steps: about the square root of the degrees of freedom. */
const MAX_STEPS = 20_000
const PRECISION = 1e-16
const TINY = 1e-300
/** Below it the series is shorter and as exact, above it the fraction. */
const ERFC_SERIES_END = 2
/** From here on the asymptotic series of the gamma ratio is exact to the last digits. */
const MIN_SERIES_GAMMA = 20

/** ln of the probability that |t| of Student's distribution is at least this large. */
export function logTwoSidedT(t: number, degrees: number): number {
  if (Number.isNaN(t) || Number.isNaN(degrees)) return Number.NaN
  const size = Math.abs(t)
  if (size === 0) return 0
  if (size === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY
  const a = degrees / 2
  const square = size * size
  const lnX = -Math.log1p(square / degrees)
  const lnRest = -Math.log1p(degrees / square)
  // ln of x^a (1 - x)^b / B(a, b) with b = 1/2
  const lnFront = a * lnX + lnRest / 2 + lnGammaRatio(a) - LN_PI / 2
  const x = Math.exp(lnX)
  if (x < (a + 1) / (a + 2.5)) return lnFront - Math.log(a) + Math.log(betaFraction(a, 0.5, x))
  return Math.log1p(-2 * Math.exp(lnFront) * betaFraction(0.5, a, Math.exp(lnRest)))
}

/** ln of the probability that |z| of the normal distribution is at least this large. */
export function logTwoSidedNormal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  if (Number.isNaN(x)) return Number.NaN
  if (x === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY
  if (x < ERFC_SERIES_END) return Math.log1p(-erf(x))
  return -x * x - LN_PI / 2 - Math.log(millsFraction(x))
}

function erf(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; term > PRECISION * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return 2 * Math.exp(-x * x - LN_PI / 2) * sum
}

/** x + (1/2)/(x + 1/(x + (3/2)/(x + …))), by Lentz's method. */
function millsFraction(x: number): number {
  let value = x
  let c = x
  let d = 0
  for (let n = 1; n < MAX_STEPS; n++) {
    d = 1 / (x + (n / 2) * d)
    c = x + n / 2 / c
    const step = c * d
    value *= step
    if (Math.abs(step - 1) < PRECISION) break
  }
  return value
}

/** The continued fraction of the incomplete beta function, by Lentz's method. */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m < MAX_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / notZero(1 + even * d)
    c = notZero(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / notZero(1 + odd * d)
    c = notZero(1 + odd / c)
    const step = d * c
    value *= step
    if (Math.abs(step - 1) <= PRECISION * 2) break
  }
  return value
}

function notZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

/** ln(Γ(a + ½) / Γ(a)); the difference of two logarithms of gamma would lose its digits where a is large. */
function lnGammaRatio(a: number): number {
  let shift = 0
  let from = a
  for (; from < MIN_SERIES_GAMMA; from++) shift += Math.log(from) - Math.log(from + 0.5)
  const r = 1 / from
  const r3 = r * r * r
  return (
    shift +
    Math.log(from) / 2 -
    r / 8 +
    r3 / 192 -
    (r3 * r * r) / 640 +
    (17 * r3 * r3 * r) / 14_336 -
    (31 * r3 * r3 * r3) / 18_432
  )
}
