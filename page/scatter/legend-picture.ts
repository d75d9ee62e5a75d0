import { toHex } from './css-color.ts'
import { THEME_COLORS, type Theme } from './theme.ts'

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

/** CSS pixels, times the picture's scale. */
const FONT = '12px system-ui, sans-serif'
const HEADING = '600 13px system-ui, sans-serif'
const LINE = 18
const MARGIN = 12
const SWATCH = 10
const TITLE_HEIGHT = 34
const LEGEND_WIDTH = 210
const BAR = { width: 14, height: 150 } as const
const LONGEST_TEXT = 200

/**
 * The canvas with title above and legend beside it, as a PNG. Reads the canvas at once: call it in the task that drew.
 * @param options.scale image pixels a CSS pixel; `canvas` was drawn at that scale
 */
export function composePicture(
  canvas: HTMLCanvasElement,
  options: { legend: LegendPicture | null; title: string | null; scale: number; theme: Theme },
): Promise<Blob> {
  const { legend, title, scale, theme } = options
  const top = title === null ? 0 : Math.round(TITLE_HEIGHT * scale)
  const picture = document.createElement('canvas')
  picture.width = canvas.width + (legend === null ? 0 : Math.round(LEGEND_WIDTH * scale))
  picture.height = canvas.height + top
  const context = picture.getContext('2d')
  if (!context) return Promise.reject(new Error('The browser has no memory left for a picture of this size.'))
  const { background, text } = THEME_COLORS[theme]
  context.fillStyle = toHex(background)
  context.fillRect(0, 0, picture.width, picture.height)
  context.drawImage(canvas, 0, top)
  context.scale(scale, scale)
  context.textBaseline = 'middle'
  context.fillStyle = text
  if (title !== null) {
    context.font = HEADING
    context.fillText(fitted(context, title, picture.width / scale - 2 * MARGIN), MARGIN, TITLE_HEIGHT / 2)
  }
  if (legend !== null) {
    context.translate(canvas.width / scale, top / scale)
    drawLegend(context, legend, { height: canvas.height / scale, text })
  }
  return new Promise((resolve, reject) => {
    picture.toBlob((blob) => {
      if (blob === null) reject(new Error('The browser could not write a PNG of this size. Choose a smaller scale.'))
      else resolve(blob)
    }, 'image/png')
  })
}

type Place = { height: number; text: string }

function drawLegend(context: CanvasRenderingContext2D, legend: LegendPicture, place: Place): void {
  context.font = HEADING
  context.fillText(fitted(context, legend.title, LEGEND_WIDTH - 2 * MARGIN), MARGIN, MARGIN + LINE / 2)
  context.font = FONT
  context.translate(0, MARGIN + LINE * 1.5)
  if (legend.kind === 'categories') drawEntries(context, legend.entries, place)
  else drawBar(context, legend, place)
}

/** As many entries as there is height for, and how many there are beside them. */
function drawEntries(
  context: CanvasRenderingContext2D,
  entries: Extract<LegendPicture, { kind: 'categories' }>['entries'],
  { height, text }: Place,
): void {
  const room = Math.max(1, Math.floor((height - MARGIN * 2 - LINE * 1.5) / LINE))
  const shown = entries.length > room ? entries.slice(0, room - 1) : entries
  shown.forEach(({ name, color, count }, i) => {
    const y = i * LINE + LINE / 2
    context.fillStyle = color
    context.beginPath()
    context.arc(MARGIN + SWATCH / 2, y, SWATCH / 2, 0, 2 * Math.PI)
    context.fill()
    context.fillStyle = text
    const number = count.toLocaleString('en-US')
    const numberWidth = context.measureText(number).width
    context.fillText(number, LEGEND_WIDTH - MARGIN - numberWidth, y)
    const left = MARGIN + SWATCH + 6
    context.fillText(fitted(context, name, LEGEND_WIDTH - left - MARGIN - numberWidth - 8), left, y)
  })
  const more = entries.length - shown.length
  if (more > 0) context.fillText(`and ${more.toLocaleString('en-US')} more`, MARGIN, shown.length * LINE + LINE / 2)
}

function drawBar(
  context: CanvasRenderingContext2D,
  { colors, range }: Extract<LegendPicture, { kind: 'gradient' }>,
  { height, text }: Place,
): void {
  const barHeight = Math.min(BAR.height, Math.max(LINE, height - MARGIN * 2 - LINE * 2))
  const gradient = context.createLinearGradient(0, barHeight, 0, 0)
  colors.forEach((color, i) => {
    gradient.addColorStop(colors.length > 1 ? i / (colors.length - 1) : 0, color)
  })
  context.fillStyle = gradient
  context.fillRect(MARGIN, LINE / 2, BAR.width, barHeight)
  context.fillStyle = text
  const left = MARGIN + BAR.width + 8
  context.fillText(shortNumber(range[1]), left, LINE / 2 + 6)
  context.fillText(shortNumber(range[0]), left, LINE / 2 + barHeight - 6)
}

function shortNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}

/** A text cut to a width, with dots where something is missing. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  const start = text.slice(0, LONGEST_TEXT)
  if (start === text && context.measureText(text).width <= width) return text
  let length = start.length
  while (length > 1 && context.measureText(`${start.slice(0, length)}…`).width > width) length--
  return `${start.slice(0, length)}…`
}
