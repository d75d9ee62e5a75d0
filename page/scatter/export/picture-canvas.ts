import { parseColor, toHex } from '../color/css-color.ts'
import type { ThemeColors } from '../color/theme.ts'
import type { Mark, Measure, PictureLayout, TextStyle } from './picture-layout.ts'

const FAMILY = 'system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif'
/** The browser has no memory left for it, or cannot write it as PNG. */
const TOO_LARGE = 'The browser could not make a picture of this size. Choose a smaller scale.'
export const FONTS: Readonly<Record<TextStyle, { size: number; weight: number; family: string }>> = {
  heading: { size: 13, weight: 600, family: FAMILY },
  body: { size: 12, weight: 400, family: FAMILY },
  label: { size: 12, weight: 600, family: FAMILY },
}
/** Width of the halo that keeps a name readable on cells of any colour. */
export const HALO = 3

/** Widths as a canvas draws them. */
export function canvasMeasure(): Measure {
  const context = document.createElement('canvas').getContext('2d')
  return (text, style) => {
    if (!context) return text.length * FONTS[style].size * 0.6
    context.font = fontOf(style)
    return context.measureText(text).width
  }
}

/**
 * The drawn canvas with its layout around it. Reads the canvas at once: call it in the task that drew.
 * @param options.scale image pixels a CSS pixel; `canvas` was drawn at that scale
 * @throws Error where the browser cannot make a picture of this size
 */
export function paintPicture(
  canvas: HTMLCanvasElement,
  layout: PictureLayout,
  options: { scale: number; colors: ThemeColors },
): HTMLCanvasElement {
  const { scale, colors } = options
  const picture = document.createElement('canvas')
  picture.width = Math.round(layout.width * scale)
  picture.height = Math.round(layout.height * scale)
  const context = picture.getContext('2d')
  if (!context) throw new Error(TOO_LARGE)
  context.fillStyle = toHex(colors.background)
  context.fillRect(0, 0, picture.width, picture.height)
  context.drawImage(canvas, Math.round(layout.plot.x * scale), Math.round(layout.plot.y * scale))
  context.scale(scale, scale)
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  for (const mark of layout.marks) paintMark(context, mark, colors)
  return picture
}

/** @throws Error where the browser cannot write it */
export function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error(TOO_LARGE))
      else resolve(blob)
    }, 'image/png')
  })
}

/** A colour of the data, or grey where it is none. */
export function safeColor(color: string): string {
  return toHex(parseColor(color) ?? [128, 128, 128])
}

function paintMark(context: CanvasRenderingContext2D, mark: Mark, colors: ThemeColors): void {
  switch (mark.kind) {
    case 'dot':
      context.fillStyle = safeColor(mark.color)
      context.beginPath()
      context.arc(mark.x, mark.y, mark.radius, 0, 2 * Math.PI)
      context.fill()
      return
    case 'bar': {
      const gradient = context.createLinearGradient(0, mark.y + mark.height, 0, mark.y)
      mark.colors.forEach((color, i) => {
        gradient.addColorStop(mark.colors.length > 1 ? i / (mark.colors.length - 1) : 0, safeColor(color))
      })
      context.fillStyle = gradient
      context.fillRect(mark.x, mark.y, mark.width, mark.height)
      return
    }
    case 'text':
      context.font = fontOf(mark.style)
      context.textAlign = mark.align
      if (mark.style === 'label') {
        context.strokeStyle = toHex(colors.background)
        context.lineWidth = HALO * 2
        context.strokeText(mark.text, mark.x, mark.y)
      }
      context.fillStyle = colors.text
      context.fillText(mark.text, mark.x, mark.y)
      return
  }
}

function fontOf(style: TextStyle): string {
  const { size, weight, family } = FONTS[style]
  return `${weight} ${size}px ${family}`
}
