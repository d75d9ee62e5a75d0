import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bloodDataset } from '../../stage/blood-dataset.ts'
import { BLOOD_CELLS, type BloodStage, drag, openBloodStage } from './blood-stage.ts'
import { said } from './page-stage.ts'

// What the page draws and selects, held against programs that share nothing with it.

const PYTHON = resolve(import.meta.dirname, '../../../.venv/bin/python')
/** Room around the cells, as a part of the canvas. */
const FIT = 0.92
/** The eight colours that the first categories have when the dataset brings none. */
const COLORS = ['1f77b4', 'ff7f0e', '2ca02c']

let stage: BloodStage
beforeAll(async () => {
  stage = await openBloodStage()
})
afterAll(() => stage.stop())

/** The dataset's own UMAP, shape (cells, 2). */
async function positions(): Promise<Float32Array> {
  const { body } = await bloodDataset(BLOOD_CELLS)({
    what: 'obsm',
    key: 'X_umap',
    columns: 2,
    start: 0,
    end: BLOOD_CELLS,
  })
  return new Float32Array(body.buffer, body.byteOffset, body.byteLength / 4)
}

async function phases(): Promise<Uint8Array> {
  return (await bloodDataset(BLOOD_CELLS)({ what: 'obs', key: 'phase' })).body
}

/** Where each cell is on a canvas that shows all of them, x and y in turn. */
function placesOn({ width, height }: { width: number; height: number }, umap: Float32Array): Float64Array {
  const ends = [0, 1].map((axis) => {
    const values = umap.filter((_, i) => i % 2 === axis)
    return [Math.min(...values), Math.max(...values)] as const
  })
  const [[left, right], [low, high]] = ends as [(typeof ends)[0], (typeof ends)[0]] // two axes
  const scale = FIT * Math.min(width / (right - left), height / (high - low))
  return Float64Array.from(umap, (value, i) =>
    i % 2 === 0 ? width / 2 + scale * (value - (left + right) / 2) : height / 2 - scale * (value - (low + high) / 2),
  )
}

async function canvasOf(page: Page) {
  const box = await page.locator('canvas').boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  return box
}

test('the lasso’s cells are those that Python finds inside the polygon, one by one', async () => {
  const { viewer, page } = await stage.show()
  const canvas = await canvasOf(page)
  // A star that crosses itself: inside is what the even-odd rule says.
  const star = Array.from({ length: 6 }, (_, i): [number, number] => {
    const angle = (i * 2 * 2 * Math.PI) / 5 + 0.3
    const at = [0.46 + 0.4 * Math.cos(angle), 0.48 + 0.42 * Math.sin(angle)] as const
    return [Math.round(canvas.x + canvas.width * at[0]), Math.round(canvas.y + canvas.height * at[1])]
  })
  await page.keyboard.down('Shift')
  await drag(page, star)
  await page.keyboard.up('Shift')
  await expect.poll(async () => Number(await said(page, 'selected'))).toBeGreaterThan(50)
  const umap = await positions()
  const input = { places: [...placesOn(canvas, umap)], polygon: star.map(([x, y]) => [x - canvas.x, y - canvas.y]) }
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', EVEN_ODD], { input: JSON.stringify(input), encoding: 'utf8' })
  expect(stderr).toBe('')
  const { inside, unsure } = JSON.parse(stdout) as { inside: number[]; unsure: number[] }
  const isSure = (cell: number) => !unsure.includes(cell)
  expect(unsure.length, 'a border through few cells').toBeLessThan(5)
  await expect.poll(() => [...stage.selected(viewer)].filter(isSure)).toEqual(inside.filter(isSure))
})

/** A point is inside when a ray to its right crosses the outline an odd number of times; nearer than 0.01 px is unsure. */
const EVEN_ODD = `
import json, math, sys
given = json.load(sys.stdin)
flat, polygon = given["places"], given["polygon"]
edges = list(zip(polygon, polygon[1:] + polygon[:1]))
inside, unsure = [], []
for cell, (x, y) in enumerate(zip(flat[::2], flat[1::2])):
    odd = False
    for (ax, ay), (bx, by) in edges:
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
        length = math.hypot(bx - ax, by - ay)
        if length:
            along = min(1, max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length**2))
            if math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) < 0.01:
                unsure.append(cell)
    if odd:
        inside.append(cell)
print(json.dumps({"inside": inside, "unsure": sorted(set(unsure))}))
`

test('the picture is the one that a plain program draws from the same arrays, within a tolerance', async () => {
  const { page } = await stage.show('phase')
  await page.getByText('Appearance').click()
  await page.getByRole('checkbox', { name: 'Names on the picture' }).uncheck()
  await page.getByRole('slider', { name: /^Point size/ }).fill('6')
  await page.getByText('Save', { exact: true }).click()
  await page.getByRole('combobox', { name: 'Size' }).selectOption('1 × the screen')
  await page.getByRole('checkbox', { name: 'legend' }).uncheck()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'PNG' }).click(),
  ])
  const stream = await download.createReadStream()
  const drawn = await pixelsOf(page, Buffer.concat(await stream.toArray()))
  const canvas = await canvasOf(page)
  expect([drawn.width, drawn.height]).toEqual([Math.round(canvas.width), Math.round(canvas.height)])
  const expected = rasterised(drawn, placesOn(canvas, await positions()), await phases(), 6)
  let [covered, empty, wrong] = [0, 0, 0]
  expected.forEach((colors, pixel) => {
    if (colors === null) return
    if (colors.length > 0) covered++
    else empty++
    // Where cells lie on each other any of them may be on top.
    const isOne = [...colors, ...(colors.length > 0 ? [] : ['ffffff'])].some((hex) =>
      isNear(hex, drawn.data, 4 * pixel),
    )
    if (!isOne) wrong++
  })
  expect(covered).toBeGreaterThan(3_000)
  expect(empty).toBeGreaterThan(100_000)
  expect(wrong / (covered + empty)).toBeLessThan(0.001)
})

const TOLERANCE = 8

function isNear(hex: string, data: readonly number[], at: number): boolean {
  return [0, 1, 2].every((i) => {
    const wanted = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
    return Math.abs(wanted - (data[at + i] ?? 0)) <= TOLERANCE
  })
}

function pixelsOf(page: Page, png: Uint8Array): Promise<{ width: number; height: number; data: number[] }> {
  return page.evaluate(
    async (bytes) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)]))
      const { width, height } = image
      const context = new OffscreenCanvas(width, height).getContext('2d')
      context?.drawImage(image, 0, 0)
      return { width, height, data: [...(context?.getImageData(0, 0, width, height).data ?? [])] }
    },
    [...png],
  )
}

/**
 * What each pixel may be: the colours of the discs that it lies well inside of, none where there is no disc, `null` at
 * the edge of one, where drawing fades.
 */
function rasterised(
  { width, height }: { width: number; height: number },
  places: Float64Array,
  codes: Uint8Array,
  diameter: number,
): (string[] | null)[] {
  const pixels: (string[] | null)[] = Array.from({ length: width * height }, () => [])
  codes.forEach((code, cell) => {
    const [x, y] = [places[2 * cell] ?? 0, places[2 * cell + 1] ?? 0]
    for (let row = Math.max(0, Math.floor(y - diameter)); row <= Math.min(height - 1, y + diameter); row++) {
      for (let column = Math.max(0, Math.floor(x - diameter)); column <= Math.min(width - 1, x + diameter); column++) {
        const beyond = Math.hypot(column + 0.5 - x, row + 0.5 - y) - diameter / 2
        const pixel = row * width + column
        if (beyond < -1) pixels[pixel]?.push(COLORS[code] ?? '')
        else if (beyond < 1) pixels[pixel] = null
      }
    }
  })
  return pixels
}
