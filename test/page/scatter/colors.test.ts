import { expect, test } from 'vitest'
import { categoryTable } from '../../../page/scatter/color/color-table.ts'
import { categoryCounts, SCALE_NAMES, scaleGradient } from '../../../page/scatter/color/coloring.ts'
import { parseColor, type Rgba } from '../../../page/scatter/color/css-color.ts'

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
    { missing: [1, 2, 3, 255], background: [255, 255, 255, 255] },
  )
  const ranks = Array.from({ length: rows * 256 }, (_, code) => entries[code * 4 + 3]!)
  expect(rows).toBe(3)
  expect(ranks.flatMap((rank, code) => (rank === 0 ? [code] : []))).toEqual([3])
  expect([...entries.subarray(599 * 4, 599 * 4 + 3)]).toEqual([0xaa, 0xbb, 0xcc])
  expect(missing).toEqual([1, 2, 3, 0])
})

test('a colour with opacity is laid on the background, and one that is transparent is not drawn', () => {
  const coloring = { kind: 'categories', codes: Uint8Array.of(0), hidden: new Set<number>() } as const
  const { entries } = categoryTable(
    { ...coloring, colors: ['#ff000080', '#00000000', '#0000ff'] },
    { missing: [1, 2, 3, 255], background: [255, 255, 255, 255] },
  )
  expect([...entries.subarray(0, 3)]).toEqual([255, 127, 127])
  expect([entries[3], entries[7], entries[11]].map((rank) => rank !== 0)).toEqual([true, false, true])
})

function linear([red, green, blue]: Rgba): [number, number, number] {
  const of = (part: number) => (part <= 10.3 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)
  return [of(red), of(green), of(blue)]
}

function luminance(color: Rgba): number {
  const [red, green, blue] = linear(color)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
