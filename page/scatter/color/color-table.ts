import type { CategoryColoring, ValueColoring } from './coloring.ts'
import { parseColor, type Rgba } from './css-color.ts'
import { gradientSampler } from './gradients.ts'
import type { ThemeColors } from './theme.ts'
import { MISSING_CODE, type Range, valueOfCode } from './value-codes.ts'

/**
 * One entry per code: red, green, blue and rank. Rank 0 is not drawn; otherwise the higher rank lies on top where points
 * are opaque. A new palette, a toggled category or another range is a new table and no work per cell.
 */
export type ColorTable = {
  /** (256 * rows, 4) row-major */
  entries: Uint8Array
  rows: number
  missing: Rgba
  missingCode: number
}

const NEUTRAL_RANK = 128
/** Missing cells lie below all others, yet are drawn. */
const MISSING_RANK = 1
const LOWEST_RANK = 2

/** What a colour that the browser does not know is drawn as. */
const UNKNOWN_COLOR: Rgba = [128, 128, 128, 255]

/** @param background that a colour with opacity is laid on, as where a cell lies alone */
export function categoryTable(
  coloring: CategoryColoring,
  { missing, background }: Pick<ThemeColors, 'missing' | 'background'>,
): ColorTable {
  const { codes, colors, hidden } = coloring
  const missingCode = codes.BYTES_PER_ELEMENT === 1 ? 255 : 65_535
  const rows = codes.BYTES_PER_ELEMENT === 1 ? 1 : Math.max(1, Math.ceil(Math.min(colors.length, missingCode) / 256))
  const entries = new Uint8Array(rows * 256 * 4)
  for (let code = 0; code < rows * 256; code++) {
    const color = colors[code]
    const rgba = color === undefined ? UNKNOWN_COLOR : (parseColor(color) ?? UNKNOWN_COLOR)
    const isDrawn = rgba[3] > 0 && !hidden.has(code)
    entries.set([...laidOn(background, rgba), isDrawn ? NEUTRAL_RANK : 0], code * 4)
  }
  return { entries, rows, missing: missingEntry(missing, hidden.has(missingCode)), missingCode }
}

function laidOn(background: Rgba, [red, green, blue, alpha]: Rgba): [number, number, number] {
  const part = (over: number, under: number) => Math.round(under + ((over - under) * alpha) / 255)
  return [part(red, background[0]), part(green, background[1]), part(blue, background[2])]
}

/** The table for codes that were spread over `quantised`. */
export function valueTable(coloring: ValueColoring, quantised: Range, missingColor: Rgba): ColorTable {
  const entries = new Uint8Array(256 * 4)
  const sample = gradientSampler(coloring.scale)
  for (let code = 0; code < MISSING_CODE; code++) {
    const t = positionOnScale(valueOfCode(code, quantised), coloring.range)
    const [red, green, blue] = sample(t)
    entries.set([red, green, blue, LOWEST_RANK + Math.round(t * (255 - LOWEST_RANK))], code * 4)
  }
  return { entries, rows: 1, missing: missingEntry(missingColor, false), missingCode: MISSING_CODE }
}

/** Every cell in one colour. */
export function plainTable(color: Rgba): ColorTable {
  const entries = new Uint8Array(256 * 4)
  entries.set([color[0], color[1], color[2], NEUTRAL_RANK])
  return { entries, rows: 1, missing: color, missingCode: MISSING_CODE }
}

/** Where on the scale a value lies, 0 to 1. */
function positionOnScale(value: number, [low, high]: Range): number {
  if (value <= low) return 0
  return value >= high ? 1 : (value / 2 - low / 2) / (high / 2 - low / 2)
}

function missingEntry([red, green, blue]: Rgba, isHidden: boolean): Rgba {
  return [red, green, blue, isHidden ? 0 : MISSING_RANK]
}
