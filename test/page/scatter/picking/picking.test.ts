import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Picking } from '../../../../page/scatter/picking/picking.ts'
import { boundsOf, project, projectionOf } from '../../../../page/scatter/projection.ts'
import { embeddingOf } from '../embedding-of.ts'
import { randomPositions, seeded } from '../seeded.ts'

function stageOf(positions: Float32Array, dimensions: number, zoom: number) {
  const embedding = embeddingOf(dimensions, positions)
  const bounds = boundsOf(embedding)
  const camera = { center: [0.1, -0.2, 0.05], zoom, orbit: [0.7, 0.3] as [number, number] }
  const projection = projectionOf(camera, { width: 640, height: 480, bounds, dimensions, yDown: false })
  return { picking: new Picking(embedding, bounds), projection, cellCount: positions.length / dimensions }
}

const isVisible = (cell: number) => cell % 5 !== 0

describe.each([2, 3])('in %i dimensions', (dimensions) => {
  const positions = randomPositions(2000, dimensions, 7, 11)

  test.each([1, 6])('the pointer finds what a look at every cell finds, at zoom %i', (zoom) => {
    const { picking, projection, cellCount } = stageOf(positions, dimensions, zoom)
    const random = seeded(3)
    let hits = 0
    for (let i = 0; i < 150; i++) {
      const at = [random() * 640, random() * 480] as const
      const expected = slowly(at, 9)
      if (expected !== null) hits++
      expect(picking.cellAt(projection, at, 9, isVisible)).toBe(expected)
    }
    expect(hits).toBeGreaterThan(5)

    /** 2D: the nearest; 3D: the front one of those within reach. */
    function slowly(at: readonly [number, number], radius: number): number | null {
      let best: number | null = null
      let least = Number.POSITIVE_INFINITY
      for (let cell = 0; cell < cellCount; cell++) {
        const place = picking.position(cell)
        if (place === null || !isVisible(cell)) continue
        const [x, y, height] = project(projection, ...place)
        const distance = Math.hypot(x - at[0], y - at[1])
        const rank = dimensions === 3 ? -height : distance
        if (distance <= radius && rank < least) {
          best = cell
          least = rank
        }
      }
      return best
    }
  })

  test('a lasso holds the cells whose place on the screen lies inside', () => {
    const { picking, projection, cellCount } = stageOf(positions, dimensions, 1.5)
    const corners = [
      [120, 90],
      [500, 60],
      [560, 400],
      [300, 200],
      [90, 420],
    ] as const
    const expected = Array.from({ length: cellCount }, (_, cell) => cell).filter((cell) => {
      const place = picking.position(cell)
      if (place === null || !isVisible(cell)) return false
      const [x, y] = project(projection, ...place)
      return crossings(corners, x, y) % 2 === 1
    })
    expect(expected.length).toBeGreaterThan(100)
    expect([...picking.cellsIn(projection, corners, isVisible)]).toEqual(expected)
  })
})

test('an axis without extent, and cells all in one place, can be picked', () => {
  for (const positions of [
    [-1, 0, 1, 0],
    [0.5, 0.5, 0.5, 0.5],
  ]) {
    const { picking, projection } = stageOf(Float32Array.from(positions), 2, 1)
    const [x, y] = project(projection, positions[0]!, positions[1]!, 0)
    expect(picking.cellAt(projection, [x, y], 3, () => true)).toBe(0)
    expect(picking.cellAt(projection, [x + 9, y + 9], 3, () => true)).toBe(null)
  }
})

test('a cell beyond the last has no place', () => {
  const { picking } = stageOf(Float32Array.of(0, 0), 2, 1)
  expect([picking.position(0), picking.position(1), picking.position(-1), picking.position(0.5)]).toEqual([
    [0, 0, 0],
    null,
    null,
    null,
  ])
})

function crossings(points: readonly (readonly [number, number])[], x: number, y: number): number {
  return points.filter(([xi, yi], i) => {
    const [xj, yj] = points[(i + 1) % points.length]!
    return yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi
  }).length
}

test('in a large embedding the pointer finds cells once they are sorted, which is done step by step', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const positions = randomPositions(600_000, 2, 9)
  positions.set([3, 3], 599_999 * 2)
  const { picking, projection } = stageOf(positions, 2, 1)
  const [x, y] = project(projection, 3, 3, 0)
  const find = () => picking.cellAt(projection, [x, y], 3, () => true)
  expect(find()).toBe(null)
  vi.advanceTimersByTime(0)
  expect(find()).toBe(null)
  vi.runAllTimers()
  expect(find()).toBe(599_999)
  picking.dispose()
})
