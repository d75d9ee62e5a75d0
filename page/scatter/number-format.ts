/** 1,000,000 in the way of the page's language, which is English. */
const COUNT = new Intl.NumberFormat('en')

export function formatCount(count: number): string {
  return COUNT.format(count)
}

/** "1 cell", "700 cells" */
export function formatCells(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'cell' : 'cells'}`
}

/** "1.2 GB", "340 MB" */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
}

/** Significant digits of a value that is not whole, where its neighbours on the scale are far. */
const USUAL_DIGITS = 4
/** So many tell any two numbers apart. */
const MOST_DIGITS = 17
/** 20230131, which is a day and no amount; 20230100 is a month. */
const DAY = /^(?:19|20)\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])$/

/** A whole number with all its digits, another with as many as are asked for; missing ones say so. */
export function formatValue(value: number, digits = USUAL_DIGITS): string {
  if (Number.isNaN(value)) return 'missing'
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : 'minus infinite'
  if (Number.isSafeInteger(value)) return DAY.test(String(value)) ? String(value) : formatCount(value + 0)
  const size = Math.abs(value)
  const hasRoom = digits > Math.log10(size) + 1
  if (size >= 1e-3 && (size < 1e6 || hasRoom)) return String(Number(value.toPrecision(digits)))
  return value.toExponential(digits === USUAL_DIGITS ? 2 : digits - 1)
}

/** How many digits tell the values of a range apart: more where it is narrow beside its numbers. */
export function digitsOf([low, high]: readonly [number, number]): number {
  const size = Math.max(Math.abs(low), Math.abs(high)) / 2
  const span = high / 2 - low / 2
  const isRange = span > 0 && Number.isFinite(span)
  let digits = USUAL_DIGITS + (isRange ? Math.max(0, Math.floor(Math.log10(size / span))) : 0)
  while (isRange && digits < MOST_DIGITS && formatValue(low, digits) === formatValue(high, digits)) digits++
  return Math.min(digits, MOST_DIGITS)
}

/** Both ends of a range, which never read alike. */
export function formatRange(range: readonly [number, number]): [low: string, high: string] {
  const digits = digitsOf(range)
  return [formatValue(range[0], digits), formatValue(range[1], digits)]
}
