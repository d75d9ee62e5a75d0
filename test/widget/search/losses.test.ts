import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Losses } from '../../../widget/search/losses.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('the first loss is answered at once, each further one of the same minute later', () => {
  const losses = new Losses()
  expect([1, 2, 3, 4, 5, 6].map(() => losses.count())).toEqual([0, 1_000, 2_000, 5_000, 15_000, 15_000])
})

test('after a calm minute the next one is the first again', () => {
  const losses = new Losses()
  losses.count()
  losses.count()
  vi.advanceTimersByTime(60_000)
  expect(losses.count()).toBe(0)
})
