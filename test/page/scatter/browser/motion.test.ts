import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openScatterPage, type ScatterPage } from './scatter-page.ts'

let stage: ScatterPage
beforeAll(async () => {
  stage = await openScatterPage()
})
afterEach(async () => {
  await stage.page.emulateMedia({ reducedMotion: null })
  expect(stage.errors.splice(0)).toEqual([])
})
afterAll(() => stage.close())

const RED = [255, 0, 0]
const WHITE = [255, 255, 255]

describe('three dimensions', () => {
  test('the front cell lies on top and is the one under the pointer, from either side', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(3, [0, 0, 0.5, 0, 0, -0.5, 1, 1, 0, -1, -1, 0]))
      shown.scatter.setColor(harness.categories([0, 1, 2, 2], ['#f00', '#0f0', '#00f']))
      const seen: unknown[] = []
      for (const elevation of [Math.PI / 2, -Math.PI / 2]) {
        shown.scatter.camera = { center: [0, 0, 0], zoom: 1, orbit: [0, elevation] }
        const [color = [0, 0, 0]] = await harness.colorsAt(shown, [[100, 100]])
        seen.push(color.indexOf(Math.max(...color)), shown.scatter.pick(100, 100))
      }
      return seen
    })
    expect(found).toEqual([0, 0, 1, 1]) // red and cell 0, then green and cell 1
  })

  test('the far side is paler than the near side', async () => {
    const [near, far] = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(3, [-0.5, 0, 1, 0.5, 0, -1]))
      shown.scatter.setColor(harness.categories([0, 0], ['#000']))
      shown.scatter.camera = { center: [0, 0, 0], zoom: 1, orbit: [0, Math.PI / 2] }
      return harness.cellColors(shown, [0, 1])
    })
    expect(near![0]).toBeLessThan(10)
    expect(far![0]).toBeGreaterThan(60)
  })

  test('an orbit moves the front with the pointer, stops above the pole, and leaves a flat picture alone', async () => {
    const found = await stage.page.evaluate(() => {
      const { scatter } = harness.show()
      scatter.setEmbedding(harness.embeddingOf(3, [1, 1, 1, -1, -1, -1, 0, -0.5, 0]))
      scatter.camera = { center: [0, 0, 0], zoom: 1, orbit: [0, 0] }
      const start = scatter.screenPosition(2)!
      scatter.orbitBy(20, 0)
      const turned = scatter.screenPosition(2)!
      scatter.orbitBy(0, 10_000)
      const { orbit } = scatter.camera
      scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1]))
      scatter.orbitBy(20, 20)
      return { start, turned, orbit, flat: scatter.camera.orbit }
    })
    expect(found.turned[0]).toBeGreaterThan(found.start[0])
    expect(found.orbit?.[1]).toBeCloseTo(Math.PI / 2)
    expect(found.flat).toBeUndefined()
  })
})

describe('opacity', () => {
  test('with it high values still lie on top, whatever the order of the cells', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0, 0, 0, 0, 0]))
      shown.scatter.setStyle({ opacity: 0.5 })
      const middles: unknown[] = []
      for (const values of [
        [0.5, 0.5, 0, 1],
        [0.5, 0.5, 1, 0],
        [0, 0, -1, 1],
        [0, 0, 1, Number.NaN],
      ]) {
        shown.scatter.setColor(harness.values(values, [Math.min(...values.filter(Number.isFinite)), 1], 'greys'))
        middles.push(...(await harness.colorsAt(shown, [[100, 100]])))
      }
      return middles as number[][]
    })
    // greys run from d9 to 00: black at half opacity over grey at half opacity over white.
    const [low, missing] = [(0xd9 + 255) / 4, (211 + 255) / 4]
    for (const [i, expected] of [low, low, low, missing].entries())
      expect(Math.abs(found[i]![0]! - expected)).toBeLessThan(3)
  })

  test('selected cells lie on top of the others, highlighted ones on top of all', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0, 0, 0, 0, 0, 0, 0]))
      shown.scatter.setColor(harness.categories([0, 0, 0, 0, 0], ['#f00']))
      shown.scatter.setStyle({ opacity: 0.999 })
      shown.scatter.setSelection(Uint32Array.of(3))
      const selected = await harness.colorsAt(shown, [[100, 100]])
      shown.scatter.setHighlights([{ color: '#00f', cells: Uint32Array.of(2) }])
      return [...selected, ...(await harness.colorsAt(shown, [[100, 100]]))]
    })
    expect(found).toEqual([RED, [0, 0, 255]])
  })
})

describe('another embedding of the same cells', () => {
  test('is reached on a way, half of it after half of the time, and counts as drawn at its end', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      const { performance: clock } = globalThis
      const realNow = clock.now.bind(clock)
      let time = 1000
      clock.now = () => time
      try {
        shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, -0.5, 0.5]))
        shown.scatter.setColor(harness.categories([0, 0, 1], ['#000', '#f00']))
        await shown.scatter.whenDrawn()
        shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0.5, 0.5], { key: 'X_tsne' }))
        const [startX] = [54, 54]
        time += 350
        const arrived = shown.scatter.whenDrawn()
        await new Promise(requestAnimationFrame)
        const halfway = await new Promise<unknown>((done) => {
          requestAnimationFrame(() => {
            shown.scatter.requestDraw()
            requestAnimationFrame(() => {
              const copy = new OffscreenCanvas(200, 200)
              const context = copy.getContext('2d')!
              context.drawImage(shown.canvas, 0, 0)
              const image = context.getImageData(0, 0, 200, 200)
              done([harness.pixel(image, startX!, 54), harness.pixel(image, 100, 54), harness.pixel(image, 146, 54)])
            })
          })
        })
        time += 400
        await arrived
        return {
          halfway,
          end: await harness.colorsAt(shown, [
            [54, 54],
            [100, 54],
            [146, 54],
          ]),
        }
      } finally {
        clock.now = realNow
      }
    })
    expect(found.halfway).toEqual([WHITE, RED, WHITE])
    expect(found.end).toEqual([WHITE, WHITE, RED])
  })

  test('is there at once for those who prefer less motion', async () => {
    await stage.page.emulateMedia({ reducedMotion: 'reduce' })
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, -0.5, 0.5]))
      shown.scatter.setColor(harness.categories([0, 0, 1], ['#000', '#f00']))
      await shown.scatter.whenDrawn()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0.5, 0.5], { key: 'X_tsne' }))
      return harness.colorsAt(shown, [[146, 54]])
    })
    expect(found).toEqual([RED])
  })

  test('keeps the selection and may have another number of dimensions', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0, 0]))
      shown.scatter.setColor(harness.categories([0, 0, 0], ['#f00']))
      shown.scatter.setSelection(Uint32Array.of(2))
      await shown.scatter.whenDrawn()
      shown.scatter.setEmbedding(harness.embeddingOf(3, [-1, -1, 0, 1, 1, 0, 0, 0, 0], { key: 'X_3d' }))
      const deep = await harness.cellColors(shown, [2])
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0.5, 0]))
      return { deep, flat: await harness.cellColors(shown, [0, 2]) }
    })
    expect(found.deep[0]![0]).toBeGreaterThan(240)
    expect(found.flat).toEqual([[214, 217, 222], RED])
  })
})

test('a large picture is drawn in parts to its end; while the camera moves a sample stands for it', async () => {
  const found = await stage.page.evaluate(async () => {
    const shown = harness.show({ pointSize: 2 })
    const count = 1_200_000
    const positions = new Float32Array(count * 2)
    const probes = Array.from({ length: 90 }, (_, i) => i * 13_001)
    for (let i = 0; i < count; i++) positions.set([1, 1], i * 2)
    for (const [i, cell] of probes.entries()) positions.set([-1, -1 + i / 45], cell * 2)
    shown.scatter.setEmbedding({ ...harness.embeddingOf(2, []), positions })
    shown.scatter.setColor(null)
    const seen = async () => (await harness.cellColors(shown, probes)).filter((color) => color![0] < 250).length
    const whole = await seen()
    // The camera rests when a timer says so: held here, however slow the machine is.
    const held: (() => void)[] = []
    const realTimeout = globalThis.setTimeout
    globalThis.setTimeout = Object.assign((then: () => void) => held.push(then), realTimeout) as typeof setTimeout
    shown.scatter.panBy(5, 0)
    // A card so slow that the frame comes late draws the sample all the same.
    for (const then of held.splice(0)) then()
    const moving = await seen()
    globalThis.setTimeout = realTimeout
    const png = await harness.decoded(await shown.scatter.toPng({ scale: 1, legend: null, title: null }))
    const kept = probes.filter((cell) => harness.pixel(png, ...shown.scatter.screenPosition(cell)!)[0] < 250).length
    for (const then of held) then()
    const rested = await seen()
    // Held again: only a hand on its way would need the timer to see all.
    globalThis.setTimeout = Object.assign((then: () => void) => held.push(then), realTimeout) as typeof setTimeout
    shown.scatter.resetCamera()
    globalThis.setTimeout = realTimeout
    return { whole, moving, kept, rested, set: await seen() }
  })
  expect(found.whole).toBe(90)
  expect(found.kept).toBe(90)
  expect(found.rested).toBe(90)
  expect(found.set).toBe(90)
  expect(found.moving).toBeGreaterThan(8) // 250,000 of 1,200,000
  expect(found.moving).toBeLessThan(35)
})

test('a released viewer gives its graphics context back and draws again when restored', async () => {
  const found = await stage.page.evaluate(async () => {
    const shown = harness.show()
    shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
    shown.scatter.setColor(harness.categories([0, 0], ['#f00']))
    await shown.scatter.whenDrawn()
    const gl = harness.contextOf(shown.canvas)
    shown.scatter.release()
    const isLost = gl.isContextLost()
    await new Promise((done) => setTimeout(done, 50))
    shown.scatter.restore()
    return { isLost, colors: await harness.cellColors(shown, [0, 1]) }
  })
  expect(found).toEqual({ isLost: true, colors: [RED, RED] })
})

test('of a released viewer several pictures can be asked for at once, also while one is wanted and when it is touched', async () => {
  const found = await stage.page.evaluate(async () => {
    const shown = harness.show()
    const { scatter } = shown
    scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
    scatter.setColor(harness.categories([0, 0], ['#f00']))
    await scatter.whenDrawn()
    scatter.setColor(harness.categories([0, 0], ['#00f']))
    const wanted = scatter.whenDrawn() // and then the viewer scrolls out of sight
    scatter.release()
    await wanted
    scatter.setColor(harness.categories([0, 0], ['#f00']))
    await scatter.whenDrawn()
    const picture = () => scatter.toPng({ scale: 1, legend: null, title: null })
    const taken = [...(await Promise.all([picture(), picture()])), await picture()]
    const bytes = taken.map(({ size }) => size)
    const isLost = harness.contextOf(shown.canvas).isContextLost()
    scatter.restore()
    scatter.release()
    scatter.restore()
    return { bytes, isLost, colors: await harness.cellColors(shown, [0, 1]) }
  })
  expect(new Set(found.bytes).size).toBe(1)
  expect(found).toMatchObject({ isLost: true, colors: [RED, RED] })
})
