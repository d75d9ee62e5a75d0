import { expect, test } from 'vitest'
import { categoryCenters } from '../../../page/scatter/category-centers.ts'
import { embeddingOf } from './embedding-of.ts'
import { seeded } from './seeded.ts'

test.each([2, 3])(
  'the name of a category lies in its main cluster, wherever its strays are, in %i dimensions',
  (dimensions) => {
    const random = seeded(dimensions)
    const clusters = [-0.7, 0, 0.6]
    const codes = Uint8Array.from({ length: 3000 }, (_, i) => i % 3)
    // A third of each category is strewn over the whole picture.
    const positions = Float32Array.from({ length: 3000 * dimensions }, (_, i) => {
      const cell = Math.floor(i / dimensions)
      const isStray = cell % 9 < 3
      return isStray ? random() * 2 - 1 : clusters[cell % 3]! + (random() - 0.5) * 0.1
    })
    const centers = categoryCenters(embeddingOf(dimensions, positions), codes, 3)
    clusters.forEach((place, category) => {
      for (let axis = 0; axis < 3; axis++) {
        expect(Math.abs(centers[category * 3 + axis]! - (axis < dimensions ? place : 0))).toBeLessThan(0.06)
      }
    })
  },
)

test('of two equal parts the name lies on one and not between them', () => {
  const positions = Float32Array.from({ length: 400 }, (_, i) => (i % 2 === 1 ? 0 : i < 200 ? -1 : 1))
  const [x, y] = categoryCenters(embeddingOf(2, positions), new Uint8Array(200), 1)
  expect([Math.abs(x!), y]).toEqual([1, 0])
})

test('categories without cells, cells without position or category, and too many categories get no place', () => {
  const positions = Float32Array.of(0.5, 0.5, Number.NaN, 0, 0.25, 0.75)
  const some = categoryCenters(embeddingOf(2, positions), Uint8Array.of(0, 1, 255), 3)
  expect([...some]).toEqual([0.5, 0.5, 0, ...Array(6).fill(Number.NaN)])
  expect(categoryCenters(embeddingOf(2, positions), Uint16Array.of(0, 1, 2), 300).every(Number.isNaN)).toBe(true)
})
