import { expect, test } from 'vitest'
import { drawOrder } from '../../../page/scatter/draw-order.ts'

test.each([0, 1, 2, 257, 100_000])(
  'the draw order of %i cells holds each of them once and is the same every time',
  (count) => {
    const order = drawOrder(count)
    expect(order.length).toBe(count)
    expect(Uint32Array.from(order).sort()).toEqual(Uint32Array.from({ length: count }, (_, i) => i))
    expect(drawOrder(count)).toEqual(order)
  },
)

test('the start of the draw order is a fair sample: each tenth of the cells has a tenth of it', () => {
  const sample = drawOrder(200_000).subarray(0, 20_000)
  const tenths = new Array<number>(10).fill(0)
  for (const cell of sample) tenths[Math.floor(cell / 20_000)]!++
  // A tenth is 2000; four standard deviations of a fair draw are about 170.
  for (const share of tenths) expect(Math.abs(share - 2000)).toBeLessThan(170)
})

test('neighbours in the data are no neighbours in the draw order', () => {
  const order = drawOrder(10_000)
  const steps = Array.from({ length: 9_999 }, (_, i) => Math.abs(order[i + 1]! - order[i]!))
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  expect(mean).toBeGreaterThan(3_000) // a third of the count when nothing is left of the order
  expect(mean).toBeLessThan(3_700)
})
