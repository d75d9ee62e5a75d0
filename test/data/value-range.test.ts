import { expect, test } from 'vitest'
import { valueRange } from '../../data/value-range.ts'

const { NaN: missing, POSITIVE_INFINITY: infinite } = Number

test.each<[name: string, values: number[], hasZeros: boolean, expected: [number | null, number | null, number]]>([
  ['values', [3, -2, 5], false, [-2, 5, 0]],
  ['stored values, the rest being 0', [3, 5], true, [0, 5, 0]],
  ['stored values below 0', [-3, -5], true, [-5, 0, 0]],
  ['a missing one', [missing, 3, missing, 1], false, [1, 3, 2]],
  ['infinities, which are values but no ends', [infinite, 3, -infinite, 1], false, [1, 3, 0]],
  ['nothing but missing ones', [missing, missing], false, [null, null, 2]],
  ['nothing but infinities', [infinite, -infinite], false, [null, null, 0]],
  ['nothing', [], false, [null, null, 0]],
  ['nothing stored', [], true, [0, 0, 0]],
])('the range of %s', (_, values, hasZeros, [min, max, missingCells]) => {
  expect(valueRange(Float32Array.from(values), hasZeros)).toEqual({ min, max, missingCells })
})
