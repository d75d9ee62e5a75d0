import { expect, test } from 'vitest'
import { categoryTable } from '../../../page/scatter/color-table.ts'
import { categoryCounts, categoryPalette, SCALE_NAMES, scaleGradient } from '../../../page/scatter/coloring.ts'
import { parseColor, type Rgba } from '../../../page/scatter/css-color.ts'
import { THEME_COLORS } from '../../../page/scatter/theme.ts'

test('hexadecimal colours are read without a browser, and nothing that only looks like one', () => {
  expect(['#f80', '#F808', '#ff8800', '#ff880080', ' #f80 '].map(parseColor)).toEqual([
    [255, 136, 0, 255],
    [255, 136, 0, 136],
    [255, 136, 0, 255],
    [255, 136, 0, 128],
    [255, 136, 0, 255],
  ])
  expect(['', '#12', '#ggg', '#12345', 'ff8800'].map(parseColor)).toEqual(Array(5).fill(null))
})

test('a palette has the asked length, no colour twice, and begins with the shorter one', () => {
  const long = categoryPalette(500)
  expect(new Set(long).size).toBe(500)
  expect(long.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true)
  expect(categoryPalette(8)).toEqual(long.slice(0, 8))
  expect(categoryPalette(0)).toEqual([])
})

test('every colour of the first 32 can be seen on both backgrounds and told from its neighbours', () => {
  const colors = categoryPalette(32).map((color) => parseColor(color)!)
  const { light, dark } = THEME_COLORS
  for (const color of colors) {
    expect(contrast(color, light.background)).toBeGreaterThan(1.3)
    expect(contrast(color, dark.background)).toBeGreaterThan(1.6)
  }
  const distances = colors.flatMap((a, i) => colors.slice(0, i).map((b) => oklabDistance(a, b)))
  expect(Math.min(...distances)).toBeGreaterThan(0.07)
})

test('lightness of the default scales rises all the way, so that they can be read without colours', () => {
  for (const scale of ['viridis', 'magma', 'inferno', 'cividis']) {
    const steps = scaleGradient(scale).map((color) => luminance(parseColor(color)!))
    expect([...steps].sort((a, b) => a - b)).toEqual(steps)
  }
  expect(SCALE_NAMES).toContain('rdbu')
  expect(scaleGradient('constructor')).toEqual(scaleGradient('viridis'))
})

test('cells are counted by category, missing ones in none', () => {
  expect([...categoryCounts(Uint8Array.of(0, 2, 2, 255, 1, 2), 4)]).toEqual([1, 1, 3, 0])
  expect([...categoryCounts(Uint16Array.of(300, 65_535, 300), 301)].slice(299)).toEqual([0, 2])
})

test('hidden codes have rank 0 in the table, all others are drawn', () => {
  const { entries, missing, rows } = categoryTable(
    { kind: 'categories', codes: Uint16Array.of(0), colors: Array(600).fill('#abc'), hidden: new Set([3, 65_535]) },
    [1, 2, 3, 255],
  )
  const ranks = Array.from({ length: rows * 256 }, (_, code) => entries[code * 4 + 3]!)
  expect(rows).toBe(3)
  expect(ranks.flatMap((rank, code) => (rank === 0 ? [code] : []))).toEqual([3])
  expect([...entries.subarray(599 * 4, 599 * 4 + 3)]).toEqual([0xaa, 0xbb, 0xcc])
  expect(missing).toEqual([1, 2, 3, 0])
})

function linear([red, green, blue]: Rgba): [number, number, number] {
  const of = (part: number) => (part <= 10.3 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)
  return [of(red), of(green), of(blue)]
}

function luminance(color: Rgba): number {
  const [red, green, blue] = linear(color)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** WCAG 2. */
function contrast(a: Rgba, b: Rgba): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function oklabDistance(a: Rgba, b: Rgba): number {
  const [p, q] = [oklab(a), oklab(b)]
  return Math.hypot(...p.map((part, i) => part - q[i]!))
}

function oklab(color: Rgba): number[] {
  const [r, g, b] = linear(color)
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}
