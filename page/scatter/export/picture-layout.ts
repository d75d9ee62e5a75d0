import { formatCount, formatRange } from '../number-format.ts'

/** The legend as a picture shows it: what the panel says, without its controls. */
export type LegendPicture =
  | {
      kind: 'categories'
      title: string
      /** hidden categories are left out by the caller */
      entries: readonly { name: string; color: string; count: number }[]
    }
  | {
      kind: 'gradient'
      title: string
      /** CSS colours from low to high, evenly spaced */
      colors: readonly string[]
      range: readonly [number, number]
    }

export type TextStyle = 'heading' | 'body' | 'label'

/** What is drawn around and over the points; lengths in CSS pixels, y of a text at its middle. */
export type Mark =
  | { kind: 'text'; x: number; y: number; text: string; style: TextStyle; align: 'left' | 'right' | 'center' }
  | { kind: 'dot'; x: number; y: number; radius: number; color: string }
  /** colours from the bottom to the top */
  | { kind: 'bar'; x: number; y: number; width: number; height: number; colors: readonly string[] }

/** A name at its place on the plot. */
export type PlacedLabel = { text: string; x: number; y: number }

export type PictureLayout = {
  width: number
  height: number
  /** upper left corner of the points */
  plot: { x: number; y: number }
  marks: readonly Mark[]
}

export type Measure = (text: string, style: TextStyle) => number

const LINE = 18
const MARGIN = 12
const SWATCH = 10
const GAP = 8
const TITLE_HEIGHT = 34
const LEGEND_WIDTHS = [120, 340] as const
const BAR = { width: 14, height: 150 } as const
/** Names come from files; one of a megabyte is cut before it is measured. */
const LONGEST_TEXT = 200

/** Where title, legend and labels go around a plot of a size. */
export function layoutPicture(
  content: {
    width: number
    height: number
    legend: LegendPicture | null
    title: string | null
    labels: readonly PlacedLabel[]
  },
  measure: Measure,
): PictureLayout {
  const { width, height, legend, title, labels } = content
  const top = title === null ? 0 : TITLE_HEIGHT
  const legendWidth = legend === null ? 0 : widthOf(legend, measure)
  const whole = { width: width + legendWidth, height: height + top }
  const marks: Mark[] = labels.map(({ text, x, y }) => ({
    kind: 'text',
    x,
    y: y + top,
    text: text.slice(0, LONGEST_TEXT),
    style: 'label',
    align: 'center',
  }))
  if (title !== null) {
    const text = fitted(title, whole.width - 2 * MARGIN, (part) => measure(part, 'heading'))
    marks.push({ kind: 'text', x: MARGIN, y: top / 2, text, style: 'heading', align: 'left' })
  }
  if (legend !== null) {
    const place = { x: width, y: top, width: legendWidth, height }
    marks.push(...layoutLegend(legend, place, measure))
  }
  return { ...whole, plot: { x: 0, y: top }, marks }
}

type Place = { x: number; y: number; width: number; height: number }

function widthOf(legend: LegendPicture, measure: Measure): number {
  const rows =
    legend.kind === 'categories'
      ? legend.entries.map(
          ({ name, count }) => SWATCH + GAP * 2 + measured(name, measure) + measure(formatCount(count), 'body'),
        )
      : formatRange(legend.range).map((text) => BAR.width + GAP + measure(text, 'body'))
  const widest = Math.max(measured(legend.title, measure, 'heading'), ...rows)
  return Math.ceil(Math.min(LEGEND_WIDTHS[1], Math.max(LEGEND_WIDTHS[0], widest + 2 * MARGIN)))
}

function measured(text: string, measure: Measure, style: TextStyle = 'body'): number {
  return measure(text.slice(0, LONGEST_TEXT), style)
}

function layoutLegend(legend: LegendPicture, place: Place, measure: Measure): Mark[] {
  const left = place.x + MARGIN
  const y = place.y + MARGIN + LINE / 2
  const text = fitted(legend.title, place.width - 2 * MARGIN, (part) => measure(part, 'heading'))
  const below = { ...place, y: y + LINE, height: place.height - MARGIN * 2 - LINE * 1.5 }
  return [
    { kind: 'text', x: left, y, text, style: 'heading', align: 'left' },
    ...(legend.kind === 'categories' ? layoutEntries(legend.entries, below, measure) : layoutBar(legend, below)),
  ]
}

/** As many entries as there is height for, and how many there are beside them. */
function layoutEntries(
  entries: Extract<LegendPicture, { kind: 'categories' }>['entries'],
  place: Place,
  measure: Measure,
): Mark[] {
  const room = Math.max(1, Math.floor(place.height / LINE))
  const shown = entries.length > room ? entries.slice(0, room - 1) : entries
  const left = place.x + MARGIN
  const right = place.x + place.width - MARGIN
  const marks = shown.flatMap(({ name, color, count }, i): Mark[] => {
    const y = place.y + i * LINE + LINE / 2
    const number = formatCount(count)
    const nameLeft = left + SWATCH + GAP
    const nameWidth = right - measure(number, 'body') - GAP - nameLeft
    const text = fitted(name, nameWidth, (part) => measure(part, 'body'))
    return [
      { kind: 'dot', x: left + SWATCH / 2, y, radius: SWATCH / 2, color },
      { kind: 'text', x: nameLeft, y, text, style: 'body', align: 'left' },
      { kind: 'text', x: right, y, text: number, style: 'body', align: 'right' },
    ]
  })
  const more = entries.length - shown.length
  if (more === 0) return marks
  const y = place.y + shown.length * LINE + LINE / 2
  return [...marks, { kind: 'text', x: left, y, text: `and ${formatCount(more)} more`, style: 'body', align: 'left' }]
}

function layoutBar({ colors, range }: Extract<LegendPicture, { kind: 'gradient' }>, place: Place): Mark[] {
  const height = Math.min(BAR.height, Math.max(LINE, place.height - LINE))
  const x = place.x + MARGIN
  const y = place.y + LINE / 2
  const [low, high] = formatRange(range)
  const text = { kind: 'text', x: x + BAR.width + GAP, style: 'body', align: 'left' } as const
  return [
    { kind: 'bar', x, y, width: BAR.width, height, colors },
    { ...text, y: y + LINE / 3, text: high },
    { ...text, y: y + height - LINE / 3, text: low },
  ]
}

/** A text cut to a width, with dots where something is missing. */
function fitted(text: string, width: number, measure: (text: string) => number): string {
  const start = text.slice(0, LONGEST_TEXT)
  if (start === text && measure(text) <= width) return text
  let length = start.length
  while (length > 1 && measure(`${start.slice(0, length)}…`) > width) length--
  return `${start.slice(0, length)}…`
}
