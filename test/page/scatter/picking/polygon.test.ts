import { describe, expect, test } from 'vitest'
import { Polygon } from '../../../../page/scatter/picking/polygon.ts'
import { seeded } from '../seeded.ts'

type Point = readonly [number, number]

/** The even-odd rule as in the textbook: count the edges to the right. */
function isInside(points: readonly Point[], x: number, y: number): boolean {
  let inside = false
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [xi, yi] = points[i]!
    const [xj, yj] = points[j]!
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

describe('a polygon', () => {
  test.each([3, 4, 17, 64, 900])(
    'of %i corners, crossing itself, holds the same points as the slow rule',
    (corners) => {
      const random = seeded(corners)
      const points: Point[] = Array.from({ length: corners }, () => [random() * 400, random() * 300])
      const polygon = new Polygon(points)
      for (let i = 0; i < 2000; i++) {
        const [x, y] = [random() * 440 - 20, random() * 340 - 20]
        expect(polygon.contains(x, y), `${x} ${y}`).toBe(isInside(points, x, y))
      }
    },
  )

  test('with corners and edges on whole pixels counts a point on them once', () => {
    const box: Point[] = [
      [10, 10],
      [20, 10],
      [20, 20],
      [10, 20],
    ]
    const polygon = new Polygon(box)
    for (let x = 8; x <= 22; x++) {
      for (let y = 8; y <= 22; y++) expect(polygon.contains(x, y), `${x} ${y}`).toBe(isInside(box, x, y))
    }
    // Two boxes side by side: no point lies in both, none on their border is lost.
    const next = new Polygon(box.map(([x, y]) => [x + 10, y]))
    for (let y = 10; y < 20; y++) expect([polygon.contains(20, y), next.contains(20, y)]).toEqual([false, true])
  })

  test('holds nothing where it has no area, and no point without a place', () => {
    expect(
      new Polygon([
        [1, 1],
        [5, 1],
        [9, 1],
      ]).contains(5, 1),
    ).toBe(false)
    expect(
      new Polygon([
        [3, 3],
        [3, 3],
        [3, 3],
      ]).contains(3, 3),
    ).toBe(false)
    const box = new Polygon([
      [0, 0],
      [9, 0],
      [9, 9],
      [0, 9],
    ])
    expect([
      box.contains(Number.NaN, 5),
      box.contains(5, Number.NaN),
      box.contains(Number.POSITIVE_INFINITY, 5),
    ]).toEqual([false, false, false])
  })
})
