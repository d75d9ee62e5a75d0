import { toHex } from '../color/css-color.ts'
import type { ThemeColors } from '../color/theme.ts'
import { FONTS, HALO, safeColor } from './picture-canvas.ts'
import type { Mark, PictureLayout } from './picture-layout.ts'

/**
 * The picture as SVG: points as an image, all else as shapes and text that a drawing program can edit.
 * @param points the points alone, a `data:` URL, and their size in CSS pixels
 */
export function svgPicture(
  layout: PictureLayout,
  points: { url: string; width: number; height: number },
  colors: ThemeColors,
): string {
  const { width, height, plot } = layout
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="${toHex(colors.background)}"/>`,
    `<image x="${plot.x}" y="${plot.y}" width="${points.width}" height="${points.height}" href="${points.url}"/>`,
    ...layout.marks.map((mark, i) => svgMark(mark, { colors, id: `bar${i}` })),
    '</svg>',
  ].join('\n')
}

function svgMark(mark: Mark, { colors, id }: { colors: ThemeColors; id: string }): string {
  switch (mark.kind) {
    case 'dot':
      return `<circle cx="${mark.x}" cy="${mark.y}" r="${mark.radius}" fill="${safeColor(mark.color)}"/>`
    case 'bar': {
      const last = Math.max(1, mark.colors.length - 1)
      const stops = mark.colors.map((color, i) => `<stop offset="${i / last}" stop-color="${safeColor(color)}"/>`)
      const box = `x="${mark.x}" y="${mark.y}" width="${mark.width}" height="${mark.height}"`
      return `<linearGradient id="${id}" x1="0" y1="1" x2="0" y2="0">${stops.join('')}</linearGradient><rect ${box} fill="url(#${id})"/>`
    }
    case 'text': {
      const { size, weight, family } = FONTS[mark.style]
      const anchor = { left: 'start', right: 'end', center: 'middle' }[mark.align]
      const halo =
        mark.style === 'label'
          ? ` stroke="${toHex(colors.background)}" stroke-width="${HALO * 2}" stroke-linejoin="round" paint-order="stroke"`
          : ''
      const font = `font-family="${escaped(family)}" font-size="${size}" font-weight="${weight}"`
      const place = `x="${mark.x}" y="${mark.y}" text-anchor="${anchor}" dominant-baseline="central"`
      return `<text ${place} ${font} fill="${colors.text}"${halo}>${escaped(mark.text)}</text>`
    }
  }
}

/** Names come from files and end as text, whatever they hold; what XML 1.0 cannot hold at all is left out. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to leave out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  )
}
