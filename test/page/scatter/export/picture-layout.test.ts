import { expect, test } from 'vitest'
import { THEME_COLORS } from '../../../../page/scatter/color/theme.ts'
import { type LegendPicture, layoutPicture, type Mark } from '../../../../page/scatter/export/picture-layout.ts'
import { svgPicture } from '../../../../page/scatter/export/picture-svg.ts'
import { placeLabels } from '../../../../page/scatter/labels.ts'

const measure = (text: string) => text.length * 7
const PLOT = { width: 400, height: 300, labels: [] }

function texts(marks: readonly Mark[]): string[] {
  return marks.flatMap((mark) => (mark.kind === 'text' ? [mark.text] : []))
}

function categoriesOf(count: number, name = (i: number) => `type ${i}`): LegendPicture {
  const entries = Array.from({ length: count }, (_, i) => ({ name: name(i), color: '#f00', count: 1000 + i }))
  return { kind: 'categories', title: 'cell type', entries }
}

test('a bare picture is the plot alone', () => {
  expect(layoutPicture({ ...PLOT, legend: null, title: null }, measure)).toEqual({
    width: 400,
    height: 300,
    plot: { x: 0, y: 0 },
    marks: [],
  })
})

test('a legend has a dot, a name and a count for each category, beside the plot', () => {
  const { width, marks, plot } = layoutPicture({ ...PLOT, legend: categoriesOf(3), title: 'pbmc' }, measure)
  expect(plot).toEqual({ x: 0, y: 34 })
  expect(texts(marks)).toEqual(['pbmc', 'cell type', 'type 0', '1,000', 'type 1', '1,001', 'type 2', '1,002'])
  const beside = marks.filter((mark) => mark.kind === 'dot')
  expect(beside.every(({ x, y, radius }) => x > 400 && x + radius < width && y > 34)).toBe(true)
})

test('what does not fit is counted instead, and long names are cut with dots', () => {
  const many = layoutPicture({ ...PLOT, legend: categoriesOf(500), title: null }, measure)
  expect(texts(many.marks).at(-1)).toBe('and 488 more')
  expect(many.marks.every((mark) => mark.y < 300)).toBe(true)
  const long = layoutPicture({ ...PLOT, legend: categoriesOf(1, () => 'x'.repeat(1e6)), title: null }, measure)
  expect(texts(long.marks)[1]).toMatch(/^x{10,40}…$/)
  expect(long.width).toBeLessThanOrEqual(740)
})

test('a scale has its two ends beside its bar, written as in the panel', () => {
  const legend: LegendPicture = { kind: 'gradient', title: 'CD3D', colors: ['#000', '#fff'], range: [0, 1234.5678] }
  expect(texts(layoutPicture({ ...PLOT, legend, title: null }, measure).marks)).toEqual(['CD3D', '1235', '0'])
})

test('names over the plot keep clear of each other and of the border, the first ones win', () => {
  const label = (text: string, x: number, y: number) => ({ text, at: [x, y, 0] as const })
  const screen = { width: 100, height: 100, project: ([x, y]: readonly number[]) => [x!, y!] as const }
  const names = [
    label('first', 50, 50),
    label('over it', 55, 55),
    label('below', 50, 75),
    label('outside', 150, 50),
    label('nowhere', Number.NaN, 50),
    label('at the left', 2, 20),
    label('the right', 99, 95),
  ]
  expect(placeLabels(names, screen, measure)).toEqual([
    { text: 'first', x: 50, y: 50 },
    { text: 'below', x: 50, y: 75 },
    { text: 'at the left', x: 42.5, y: 20 },
    { text: 'the right', x: 64.5, y: 95 },
  ])
})

test('a hostile name or colour is text and grey in the SVG, and the SVG can be read', () => {
  const hostile = '</text><script>alert(1)</script>\u0000\ud800 & "x"'
  const legend: LegendPicture = {
    kind: 'categories',
    title: hostile,
    entries: [{ name: hostile, color: '" onload="alert(1)', count: 1 }],
  }
  const layout = layoutPicture({ ...PLOT, legend, title: hostile, labels: [{ text: hostile, x: 5, y: 5 }] }, measure)
  const svg = svgPicture(layout, { url: 'data:image/png;base64,AAAA', width: 400, height: 300 }, THEME_COLORS.light)
  const parsed = new DOMParser().parseFromString(svg, 'application/xml')
  expect(parsed.querySelector('parsererror')).toBeNull()
  expect(parsed.querySelectorAll('script')).toHaveLength(0)
  expect(parsed.querySelector('circle')?.getAttribute('fill')).toBe('#808080')
  expect(svg).not.toContain('onload')
  expect(parsed.querySelector('text')?.textContent).toContain('<script>alert(1)</script>')
})
