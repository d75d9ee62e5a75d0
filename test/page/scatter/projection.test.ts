import { expect, test } from 'vitest'
import { boundsOf, homeCamera, project, projectionOf, unproject } from '../../../page/scatter/projection.ts'
import { embeddingOf } from './embedding-of.ts'
import { randomPositions, seeded } from './seeded.ts'

const SQUARE = { low: [-1, -1, -1], high: [1, 1, 1] } as const

test.each([2, 3])('a pixel taken to the cells and back is the same pixel, in %i dimensions', (dimensions) => {
  const random = seeded(dimensions)
  for (let i = 0; i < 200; i++) {
    const camera = {
      center: [random() - 0.5, random() - 0.5, dimensions === 3 ? random() - 0.5 : 0],
      zoom: 10 ** (random() * 6 - 1),
      orbit: [random() * 9, random() * 3 - 1.5] as [number, number],
    }
    const stage = { width: 640, height: 480, bounds: SQUARE, dimensions, yDown: i % 2 === 0 }
    const projection = projectionOf(camera, stage)
    const [x, y] = project(projection, ...unproject(projection, 123.25, 77.5))
    expect(x).toBeCloseTo(123.25, 4)
    expect(y).toBeCloseTo(77.5, 4)
  }
})

test('the home of an embedding shows all of it, and zoom 2 shows half', () => {
  for (const dimensions of [2, 3]) {
    const positions = randomPositions(500, dimensions, 5)
    const bounds = boundsOf(embeddingOf(dimensions, positions))
    const stage = { width: 800, height: 300, bounds, dimensions, yDown: false }
    const home = projectionOf(homeCamera(bounds, dimensions), stage)
    for (let cell = 0; cell < 500; cell++) {
      const [x = 0, y = 0, z = 0] = positions.subarray(cell * dimensions, (cell + 1) * dimensions)
      const [px, py] = project(home, x, y, z)
      expect(px >= 0 && px <= 800 && py >= 0 && py <= 300).toBe(true)
    }
    expect(projectionOf({ ...homeCamera(bounds, dimensions), zoom: 2 }, stage).pixels).toBeCloseTo(home.pixels * 2)
  }
})

test('three axes of the screen stay at right angles and of length 1 at any orbit', () => {
  for (const orbit of [
    [0, 0],
    [1, 1.5707],
    [4, -1.2],
  ] as [number, number][]) {
    const { right, up, toward } = projectionOf(
      { center: [0, 0, 0], zoom: 1, orbit },
      { width: 10, height: 10, bounds: SQUARE, dimensions: 3, yDown: false },
    )
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, part, i) => sum + part * b[i]!, 0)
    expect([dot(right, right), dot(up, up), dot(toward, toward)].map((v) => Number(v.toFixed(9)))).toEqual([1, 1, 1])
    expect([dot(right, up), dot(up, toward), dot(toward, right)].map((v) => Math.abs(Number(v.toFixed(9))))).toEqual([
      0, 0, 0,
    ])
  }
})

test('bounds have zeros on axes that an embedding does not have', () => {
  expect(boundsOf({ low: [-3, 2], high: [1, 9] })).toEqual({ low: [-3, 2, 0], high: [1, 9, 0] })
  expect(boundsOf(null)).toEqual({ low: [0, 0, 0], high: [0, 0, 0] })
})
