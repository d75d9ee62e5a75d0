import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openScatterPage, type ScatterPage } from './scatter-page.ts'

let stage: ScatterPage
beforeAll(async () => {
  stage = await openScatterPage()
})
afterEach(() => {
  expect(stage.errors.splice(0)).toEqual([])
})
afterAll(() => stage.close())

const RED = [255, 0, 0]
const GREEN = [0, 255, 0]
const BLUE = [0, 0, 255]
const WHITE = [255, 255, 255]
const DIMMED = [214, 217, 222]

describe('colours at known places', () => {
  test('four cells in the corners have the colours of their categories, y upward', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, -1, -1, 1, 1, 1]))
      shown.scatter.setColor(harness.categories([0, 1, 2, 0], ['#f00', '#0f0', '#0000ff']))
      return {
        corners: await harness.colorsAt(shown, [
          [8, 192],
          [192, 192],
          [8, 8],
          [192, 8],
          [100, 100],
        ]),
        places: [0, 1, 2, 3].map((cell) => shown.scatter.screenPosition(cell)?.map(Math.round)),
      }
    })
    expect(found.corners).toEqual([RED, GREEN, BLUE, RED, WHITE])
    expect(found.places).toEqual([
      [8, 192],
      [192, 192],
      [8, 8],
      [192, 8],
    ])
  })

  test('a colour may be written in every way that the browser knows', async () => {
    const colors = [
      'rgb(255, 136, 0)',
      'rgb(100% 50% 0%)',
      'hsl(120 100% 50%)',
      'rebeccapurple',
      'oklch(62.8% 0.2577 29.23)',
    ]
    const others = ['', 'url(x)', 'rgb(1,2)', 'rgb(a,b,c)', 'no colour', '#12']
    const found = await stage.page.evaluate(
      (all) => all.map((color) => harness.parseColor(color)),
      [...colors, ...others],
    )
    expect(found).toEqual([
      [255, 136, 0, 255],
      [255, 128, 0, 255],
      [0, 255, 0, 255],
      [102, 51, 153, 255],
      [255, 0, 0, 255],
      ...others.map(() => null),
    ])
  })

  test('an image as it came from the microscope has y downward', async () => {
    const found = await stage.page.evaluate(() => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1], { yDown: true }))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      return harness.colorsAt(shown, [
        [8, 8],
        [192, 192],
      ])
    })
    expect(found).toEqual([RED, GREEN])
  })

  test('another colouring, a hidden category and a missing value change the pixels', async () => {
    const found = await stage.page.evaluate(async () => {
      const { categories, cellColors } = harness
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 0, 0, 1, 0]))
      const all = [0, 1, 2]
      const plain = await cellColors(shown, all)
      shown.scatter.setColor(categories([0, 1, 255], ['red', 'rgb(0 255 0)']))
      const named = await cellColors(shown, all)
      shown.scatter.setColor(categories([0, 1, 255], ['#00f', '#0f0'], [1]))
      const hidden = await cellColors(shown, all)
      shown.scatter.setColor(categories([0, 1, 255], ['#00f', '#0f0'], [255]))
      const missingHidden = await cellColors(shown, all)
      shown.scatter.setColor(null)
      return { plain, named, hidden, missingHidden, again: await cellColors(shown, all) }
    })
    const missing = [211, 211, 211]
    expect(found.plain).toEqual([
      [104, 125, 158],
      [104, 125, 158],
      [104, 125, 158],
    ])
    expect(found.named).toEqual([RED, GREEN, missing])
    expect(found.hidden).toEqual([BLUE, WHITE, missing])
    expect(found.missingHidden).toEqual([BLUE, GREEN, WHITE])
    expect(found.again).toEqual(found.plain)
  })

  test('a category beyond the 255th has its own colour', async () => {
    const found = await stage.page.evaluate(() => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 0, 0, 1, 0]))
      const colors = Array.from({ length: 1000 }, () => '#123456')
      colors[999] = '#00ff00'
      const codes = Uint16Array.of(0, 999, 65_535)
      shown.scatter.setColor({ kind: 'categories', codes, colors, hidden: new Set() })
      return harness.cellColors(shown, [0, 1, 2])
    })
    expect(found).toEqual([[0x12, 0x34, 0x56], GREEN, [211, 211, 211]])
  })

  test('values run along the scale, and where cells overlap the highest lies on top', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 0, 0, 1, 0, ...Array(40).fill(0)]))
      const stack = Array.from({ length: 20 }, (_, i) => i / 20)
      shown.scatter.setColor(harness.values([0, 1, Number.NaN, ...stack], [0, 1]))
      const whole = await harness.cellColors(shown, [0, 1, 2])
      shown.scatter.setColor(harness.values([0, 1, Number.NaN, ...stack], [2, 3]))
      return { whole, beyond: await harness.cellColors(shown, [0, 1, 2]) }
    })
    const [low, high] = [
      [0x44, 0x01, 0x54],
      [0xfd, 0xe7, 0x25],
    ]
    expect(found.whole).toEqual([low, high, [211, 211, 211]])
    expect(found.beyond).toEqual([low, low, [211, 211, 211]])
  })

  test('the theme changes background and greys', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
      shown.scatter.setColor(harness.categories([255, 0], ['#f00']))
      shown.scatter.setTheme('dark')
      return harness.colorsAt(shown, [
        [8, 100],
        [100, 100],
        [192, 100],
      ])
    })
    expect(found).toEqual([[92, 98, 108], [20, 23, 28], RED])
  })
})

describe('sets of cells', () => {
  test('a selection turns the others grey, hidden cells go, highlights come on top in their colour', async () => {
    const found = await stage.page.evaluate(async () => {
      const { cellColors } = harness
      const shown = harness.show()
      const all = [0, 1, 2, 3]
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, -0.4, 0, 0.4, 0, 1, 0]))
      shown.scatter.setColor(harness.categories([0, 0, 0, 0], ['#f00']))
      shown.scatter.setSelection(Uint32Array.of(1, 2))
      const selected = await cellColors(shown, all)
      shown.scatter.setHidden(Uint32Array.of(2))
      const hidden = await cellColors(shown, all)
      shown.scatter.setHighlights([
        { color: 'lime', cells: Uint32Array.of(0) },
        { color: '#00f', cells: Uint32Array.of(3) },
      ])
      const highlighted = await cellColors(shown, all)
      shown.scatter.setSelection(null)
      shown.scatter.setHighlights([])
      shown.scatter.setHidden(new Uint32Array(0))
      return { selected, hidden, highlighted, none: await cellColors(shown, all) }
    })
    expect(found.selected).toEqual([DIMMED, RED, RED, DIMMED])
    expect(found.hidden).toEqual([DIMMED, RED, WHITE, DIMMED])
    expect(found.highlighted).toEqual([GREEN, RED, WHITE, BLUE])
    expect(found.none).toEqual([RED, RED, RED, RED])
  })

  test('a selected cell is not covered by cells that are not', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0, ...Array(200).fill(0)]))
      shown.scatter.setColor(harness.categories(Array(102).fill(0), ['#f00']))
      const tops: unknown[] = []
      for (const opacity of [null, 0.999]) {
        shown.scatter.setStyle({ opacity })
        for (const cell of [2, 50, 101]) {
          shown.scatter.setSelection(Uint32Array.of(cell))
          tops.push(...(await harness.colorsAt(shown, [[100, 100]])))
        }
      }
      return tops
    })
    expect(found).toEqual([RED, RED, RED, RED, RED, RED])
  })
})

describe('the camera', () => {
  test('pan and zoom move the cells by CSS pixels and keep the pixel under the pointer', async () => {
    const found = await stage.page.evaluate(() => {
      const { scatter, heard } = harness.show({ width: 400, height: 200 })
      scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0.5, 0.25]))
      const place = () => scatter.screenPosition(2)?.map((part) => Math.round(part * 1000) / 1000)
      const start = place()
      scatter.panBy(30, -20)
      const panned = place()
      scatter.zoomBy(8, [start![0]! + 30, start![1]! - 20])
      const zoomed = place()
      const { camera } = scatter
      scatter.resetCamera()
      const home = place()
      scatter.camera = camera
      return { start, panned, zoomed, home, restored: place(), zoom: camera.zoom, heard: heard.cameras }
    })
    const [x = 0, y = 0] = found.start ?? []
    expect(found.panned).toEqual([x + 30, y - 20])
    expect(found.zoomed).toEqual(found.panned)
    expect(found.home).toEqual(found.start)
    expect(found.restored).toEqual(found.zoomed)
    expect(found.zoom).toBe(8)
    expect(found.heard).toBe(4)
  })

  test('far in, pixels are where the mouse finds the cells', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show({ pointSize: 4 })
      const near = Math.fround(0.7654321)
      const next = near + 2 ** -20
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, near, near, next, near]))
      shown.scatter.setColor(harness.categories([0, 0, 1, 2], ['#000', '#0f0', '#00f']))
      shown.scatter.camera = { center: [near + 2 ** -21, near], zoom: 100_000 }
      const distance = shown.scatter.screenPosition(3)![0] - shown.scatter.screenPosition(2)![0]
      return {
        distance,
        colors: await harness.cellColors(shown, [2, 3]),
        picked: shown.scatter.pick(...shown.scatter.screenPosition(3)!),
      }
    })
    expect(found.distance).toBeGreaterThan(8)
    expect(found.colors).toEqual([GREEN, BLUE])
    expect(found.picked).toBe(3)
  })

  test('another embedding is seen whole, a camera set before the first one stays', async () => {
    const zooms = await stage.page.evaluate(() => {
      const { scatter } = harness.show()
      scatter.camera = { center: [0.5, 0.5], zoom: 3 }
      scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1]))
      const first = scatter.camera.zoom
      scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1], { key: 'X_tsne' }))
      return [first, scatter.camera.zoom]
    })
    expect(zooms).toEqual([3, 1])
  })
})

describe('finding cells', () => {
  test('the pointer finds the nearest visible cell and never one without a position', async () => {
    const found = await stage.page.evaluate(() => {
      const { scatter } = harness.show()
      scatter.setEmbedding(
        harness.embeddingOf(2, [-1, -1, 1, 1, 0, 0, Number.NaN, 0, 0.02, Number.POSITIVE_INFINITY, 0.03, 0]),
      )
      scatter.setColor(harness.categories([0, 0, 1, 0, 0, 2], ['#f00', '#0f0', '#00f']))
      const middle = () => scatter.pick(100, 100)
      const picked = [middle()]
      scatter.setHidden(Uint32Array.of(2))
      picked.push(middle())
      scatter.setColor(harness.categories([0, 0, 1, 0, 0, 2], ['#f00', '#0f0', '#00f'], [2]))
      picked.push(middle(), scatter.pick(8, 192), scatter.pick(50, 100))
      return { picked, nowhere: scatter.screenPosition(3), none: scatter.screenPosition(77) }
    })
    expect(found).toEqual({ picked: [2, 5, null, 0, null], nowhere: null, none: null })
  })

  test('a lasso holds what lies inside on the screen, ascending, without hidden cells', async () => {
    const found = await stage.page.evaluate(() => {
      const { scatter } = harness.show()
      scatter.setEmbedding(harness.embeddingOf(2, [1, 1, -1, -1, 0.1, 0, 0, 0, -0.1, 0, Number.NaN, 0]))
      scatter.setHidden(Uint32Array.of(3))
      scatter.zoomBy(2)
      const box = [
        [60, 80],
        [140, 80],
        [140, 120],
        [60, 120],
      ] as const
      return [[...scatter.cellsInPolygon(box)], [...scatter.cellsInPolygon(box.slice(0, 2))]]
    })
    expect(found).toEqual([[2, 4], []])
  })
})

describe('the canvas', () => {
  test('a picture comes back when the graphics context is lost and given back', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      shown.scatter.setSelection(Uint32Array.of(1))
      const before = await harness.cellColors(shown, [0, 1])
      const extension = harness.contextOf(shown.canvas).getExtension('WEBGL_lose_context')!
      const event = (name: string) => new Promise((done) => shown.canvas.addEventListener(name, done, { once: true }))
      const lost = event('webglcontextlost')
      extension.loseContext()
      await lost
      // A context can be given back once the event that took it is over.
      await new Promise((done) => setTimeout(done))
      shown.scatter.setColor(harness.categories([1, 0], ['#f00', '#0f0']))
      const refused = await shown.scatter
        .toPng({ scale: 1, legend: null, title: null })
        .catch((error: unknown) => String(error))
      const restored = event('webglcontextrestored')
      extension.restoreContext()
      await restored
      return { before, refused, after: await harness.cellColors(shown, [0, 1]) }
    })
    expect(found.before).toEqual([DIMMED, GREEN])
    expect(found.refused).toContain('There is no picture to save')
    expect(found.after).toEqual([DIMMED, RED])
  })

  test('a picture whose graphics context the browser took for other viewers comes back in seconds', {
    timeout: 10_000,
  }, async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      await shown.scatter.whenDrawn()
      const lost = new Promise((done) => shown.canvas.addEventListener('webglcontextlost', done, { once: true }))
      // Chromium has 16 for a process, and takes the one that has drawn nothing for longest.
      const others = Array.from({ length: 16 }, () => harness.contextOf(document.createElement('canvas')))
      await lost
      await shown.scatter.whenDrawn()
      for (const other of others) other.getExtension('WEBGL_lose_context')?.loseContext()
      return harness.cellColors(shown, [0, 1])
    })
    expect(found).toEqual([RED, GREEN])
  })

  test('a canvas without a size waits for one, and another size is another picture', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show({ width: 0, height: 0 })
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      const early = { picked: shown.scatter.pick(0, 0), place: shown.scatter.screenPosition(0) }
      const drawn = shown.scatter.whenDrawn()
      shown.canvas.style.width = '300px'
      shown.canvas.style.height = '100px'
      await drawn
      return { early, size: [shown.canvas.width, shown.canvas.height], colors: await harness.cellColors(shown, [0, 1]) }
    })
    expect(found.early).toEqual({ picked: null, place: null })
    expect(found.size).toEqual([300, 100])
    expect(found.colors).toEqual([RED, GREEN])
  })

  test('nothing is drawn while nothing changes', async () => {
    const draws = await stage.page.evaluate(async () => {
      const shown = harness.show()
      const gl = harness.contextOf(shown.canvas)
      let count = 0
      const drawArrays = gl.drawArrays.bind(gl)
      gl.drawArrays = (...given) => {
        count++
        drawArrays(...given)
      }
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, 0, 1, 0]))
      shown.scatter.setColor(null)
      shown.scatter.setSelection(null)
      await shown.scatter.whenDrawn()
      const first = count
      for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame)
      return [first, count]
    })
    expect(draws).toEqual([1, 1])
  })

  test('no cells, one cell, and cells all in one place are pictures too', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      const results: unknown[] = []
      for (const positions of [[], [0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [Number.NaN, Number.NaN]]) {
        shown.scatter.setEmbedding(harness.embeddingOf(2, positions))
        results.push(...(await harness.colorsAt(shown, [[100, 100]])))
      }
      shown.scatter.setEmbedding(null)
      results.push(...(await harness.colorsAt(shown, [[100, 100]])), shown.scatter.pick(100, 100))
      return results
    })
    const plain = [104, 125, 158]
    expect(found).toEqual([WHITE, plain, plain, WHITE, WHITE, null])
  })
})

describe('a picture to keep', () => {
  test('has the asked scale, all cells, title and legend, and leaves the screen as it was', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1]))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      const legend = {
        kind: 'categories' as const,
        title: 'cell type',
        entries: [
          { name: 'B', color: '#f00', count: 1 },
          { name: 'T', color: '#0f0', count: 1 },
        ],
      }
      const bare = await harness.decoded(await shown.scatter.toPng({ scale: 3, legend: null, title: null }))
      const whole = await harness.decoded(await shown.scatter.toPng({ scale: 1, legend, title: 'pbmc' }))
      return {
        bare: [bare.width, bare.height, harness.pixel(bare, 24, 576), harness.pixel(bare, 576, 24)],
        whole: [whole.width, whole.height, harness.pixel(whole, 8, 34 + 192)],
        legendReds:
          harness.countPixels(whole, [255, 0, 0]) - harness.countPixels(await harness.picture(shown), [255, 0, 0]),
        screen: [shown.canvas.width, shown.canvas.height, await harness.cellColors(shown, [0, 1])],
      }
    })
    expect(found.bare).toEqual([600, 600, RED, GREEN])
    expect(found.whole).toEqual([320, 234, RED])
    expect(found.legendReds).toBeGreaterThan(40)
    expect(found.screen).toEqual([200, 200, [RED, GREEN]])
  })

  test('as SVG holds the points as an image and the names as text', async () => {
    const found = await stage.page.evaluate(async () => {
      const shown = harness.show()
      shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1]))
      shown.scatter.setColor(harness.categories([0, 1], ['#f00', '#0f0']))
      const labels = [{ text: 'T <cells>', at: [0, 0, 0] as const }]
      const svg = await (await shown.scatter.toSvg({ scale: 2, legend: null, title: null, labels })).text()
      const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml')
      const text = parsed.querySelector('text')
      const url = parsed.querySelector('image')?.getAttribute('href') ?? ''
      const bytes = Uint8Array.from(atob(url.slice(url.indexOf(',') + 1)), (letter) => letter.charCodeAt(0))
      const points = await harness.decoded(new Blob([bytes], { type: 'image/png' }))
      return {
        text: [text?.textContent, text?.getAttribute('x'), text?.getAttribute('y')],
        points: [points.width, harness.pixel(points, 16, 384), harness.pixel(points, 384, 16)],
      }
    })
    expect(found.text).toEqual(['T <cells>', '100', '100'])
    expect(found.points).toEqual([400, RED, GREEN])
  })
})

describe('a browser without WebGL2', () => {
  test('shows the cells all the same, with their colours, sets and order, and says what is missing', async () => {
    const found = await stage.page.evaluate(async () => {
      const original = HTMLCanvasElement.prototype.getContext
      HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
        return kind === 'webgl2' ? null : Reflect.apply(original, this, [kind, ...rest])
      } as typeof original
      try {
        const shown = harness.show()
        shown.scatter.setEmbedding(harness.embeddingOf(2, [-1, -1, 1, 1, 0, 0, 0, 0, Number.NaN, 0]))
        shown.scatter.setColor(harness.values([0, 5, 4, 5, 5], [0, 5], 'viridis'))
        const plain = await harness.cellColors(shown, [0, 1, 2])
        shown.scatter.setSelection(Uint32Array.of(1))
        shown.scatter.setHighlights([{ color: '#f00', cells: Uint32Array.of(2) }])
        shown.scatter.setHidden(Uint32Array.of(0))
        const sets = await harness.cellColors(shown, [0, 1, 2])
        const png = await harness.decoded(await shown.scatter.toPng({ scale: 2, legend: null, title: null }))
        const { limitation } = shown.scatter
        return {
          plain,
          sets,
          limitation,
          png: [png.width, harness.pixel(png, 200, 200)],
          picked: shown.scatter.pick(100, 100),
        }
      } finally {
        HTMLCanvasElement.prototype.getContext = original
      }
    })
    const [low, high] = [
      [0x44, 0x01, 0x54],
      [0xfd, 0xe7, 0x25],
    ]
    expect(found.plain).toEqual([low, high, high])
    expect(found.sets).toEqual([WHITE, high, RED])
    expect(found.png).toEqual([400, RED])
    expect(found.picked).toBe(2)
    expect(found.limitation).toContain('no WebGL2')
  })
})
