/**
 * Wilcoxon's rank sum of one gene as a normal score, with tie correction and without continuity correction.
 * @param a what is not zero in group A, NaN nowhere; sorted in place
 * @param b the same of group B
 * @param cellsA how many cells A has; those without a value in `a` are zero
 */
export function rankSumScore(a: NumberList, b: NumberList, cellsA: number, cellsB: number): number {
  a.sort()
  b.sort()
  const cells = cellsA + cellsB
  const zerosA = cellsA - a.length
  const zerosB = cellsB - b.length
  let before = 0
  let rankSum = 0
  let ties = 0
  const rank = (fromA: number, fromB: number) => {
    const together = fromA + fromB
    rankSum += fromA * (before + (together + 1) / 2)
    ties += together * together * together - together
    before += together
  }
  let i = 0
  let j = 0
  let areZerosRanked = zerosA + zerosB === 0
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY)
    if (!areZerosRanked && value > 0) {
      rank(zerosA, zerosB)
      areZerosRanked = true
    }
    const startA = i
    const startB = j
    while (i < a.length && a[i] === value) i++
    while (j < b.length && b[j] === value) j++
    rank(i - startA, j - startB)
  }
  if (!areZerosRanked) rank(zerosA, zerosB)
  const correction = 1 - ties / (cells ** 3 - cells)
  const deviation = Math.sqrt((correction * cellsA * cellsB * (cells + 1)) / 12)
  const score = (rankSum - (cellsA * (cells + 1)) / 2) / deviation
  return Number.isFinite(score) ? score : 0
}

export type NumberList = Float32Array | Float64Array
