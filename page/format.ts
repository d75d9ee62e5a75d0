/** 1,000,000 in the way of the page's language, which is English. */
const COUNT = new Intl.NumberFormat('en')

export function formatCount(count: number): string {
  return COUNT.format(count)
}

/** "1 cell", "700 cells" */
export function formatCells(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'cell' : 'cells'}`
}

/** A value with at most four significant digits; missing ones say so. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'missing'
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : 'minus infinite'
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e6) return formatCount(value)
  return size >= 1e6 || (size > 0 && size < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(4)))
}
