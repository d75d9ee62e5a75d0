import { expect, test } from 'vitest'
import { rankedPlaces } from '../../../../page/scatter/color/draw-ranking.ts'
import { rankOfCode } from '../../../../page/scatter/color/value-codes.ts'
import { seeded } from '../seeded.ts'

test('places are sorted by the rank of their codes, equal ones stay in order', () => {
  const random = seeded(5)
  const codes = Uint8Array.from({ length: 3000 }, () => random() * 256)
  const rankOf = (code: number) => rankOfCode(code, [-1, 3])
  const expected = Array.from({ length: 3000 }, (_, place) => place).sort(
    (a, b) => rankOf(codes[a]!) - rankOf(codes[b]!) || a - b,
  )
  expect([...rankedPlaces(codes, rankOf)]).toEqual(expected)
  expect([...rankedPlaces(new Uint8Array(0), rankOf)]).toEqual([])
})

test('missing ranks below all, 0 where it lies among the values', () => {
  expect(rankOfCode(255, [-1, 3])).toBe(0)
  expect(rankOfCode(0, [-1, 3])).toBe(64) // a quarter of the way from code 1 to 254
  expect(rankOfCode(0, [2, 3])).toBe(1)
  expect(rankOfCode(0, [-3, -2])).toBe(254)
  expect(rankOfCode(17, [-1, 3])).toBe(17)
})
