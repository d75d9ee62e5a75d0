import { expect, test } from 'vitest'
import { axisOf } from '../../../page/columns/axis.ts'
import { groupStats, shadesOf } from '../../../page/columns/group-stats.ts'

const by = {
  kind: 'codes',
  codes: Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 255),
  categories: ['T', 'B', 'NK', 'none'],
  ordered: false,
  colors: ['#000', '#111', '#222', '#333'],
  missingCells: 1,
} as const
const statsOf = (values: number[]) => groupStats(Float32Array.from(values), by, axisOf([-4, 4], false), 1)

test('the share of a category is of its cells above 0, as in scanpy, so that scaled data tells its categories apart', () => {
  const shares = (values: number[]) => statsOf(values).map(({ share }) => share)
  expect(shares([-1, -0.5, 0, 2, -1, -1, 3, 9])).toEqual([0.25, 0, 1, 0])
  expect(shares([0, 0, 0, 2, 1, Number.NaN, 0, 9])).toEqual([0.25, 1, 0, 0])
})

test('a shade goes from none to the highest mean; where means are below 0, from the lowest to the highest', () => {
  expect(shadesOf(statsOf([0, 0, 2, 2, 4, 4, 0, 9]))).toEqual([0.25, 1, 0, 0])
  expect(shadesOf(statsOf([-1, -1, 1, 1, 2, 4, -1, 9]))).toEqual([0.25, 1, 0, 0])
  expect(shadesOf(statsOf([-2, -2, -2, -2, -1, -1, -3, 9]))).toEqual([0.5, 1, 0, 0])
  expect(shadesOf(statsOf([0, 0, 0, 0, 0, 0, 0, 0]))).toEqual([0, 0, 0, 0])
})
