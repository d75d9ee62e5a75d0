/** Red, green, blue and alpha, 0 to 255 each. */
export type Rgba = readonly [number, number, number, number]

const HEX = /^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i
const FUNCTION = /^rgba?\(([^)]*)\)$/i

/**
 * Parse a CSS colour: `#rgb[a]`, `#rrggbb[aa]`, `rgb()`, `rgba()`; anything else is asked of the browser (names, `hsl()`).
 * @returns null for a text that is no colour
 */
export function parseColor(text: string): Rgba | null {
  const source = text.trim()
  return parseHex(source) ?? parseFunction(source) ?? askBrowser(source)
}

export function toHex([red, green, blue]: Rgba | readonly [number, number, number]): string {
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`
}

function parseHex(source: string): Rgba | null {
  const digits = HEX.exec(source)?.[1]
  if (digits === undefined) return null
  const long = digits.length < 6 ? digits.replace(/./g, '$&$&') : digits
  const part = (at: number) => Number.parseInt(long.slice(at, at + 2), 16)
  return [part(0), part(2), part(4), long.length === 8 ? part(6) : 255]
}

function parseFunction(source: string): Rgba | null {
  const inside = FUNCTION.exec(source)?.[1]
  if (inside === undefined) return null
  const parts = inside.split(/[\s,/]+/).filter((part) => part !== '')
  if (parts.length !== 3 && parts.length !== 4) return null
  const [red, green, blue] = parts.slice(0, 3).map((part) => scaled(part, 255))
  const alpha = parts[3] === undefined ? 255 : scaled(parts[3], 255, 255)
  if (red === undefined || green === undefined || blue === undefined) return null
  return [red, green, blue, alpha].some(Number.isNaN) ? null : [red, green, blue, alpha]
}

/** A number or percentage of `whole`, clamped to a byte; a plain number is multiplied by `unit` (alpha runs to 1). */
function scaled(part: string, whole: number, unit = 1): number {
  const isPercentage = part.endsWith('%')
  const digits = isPercentage ? part.slice(0, -1) : part
  const number = digits === '' ? Number.NaN : Number(digits)
  return Math.min(255, Math.max(0, isPercentage ? (number / 100) * whole : number * unit))
}

let probe: OffscreenCanvasRenderingContext2D | null | undefined

/** A canvas keeps its fill style when told something that is no colour: two different starts tell the two cases apart. */
function askBrowser(source: string): Rgba | null {
  if (probe === undefined) {
    probe = typeof OffscreenCanvas === 'undefined' ? null : new OffscreenCanvas(1, 1).getContext('2d')
  }
  if (!probe) return null
  const answers = ['#000000', '#ffffff'].map((start) => fillStyleAfter(probe, start, source))
  const [first, second] = answers
  return first !== undefined && first === second ? (parseHex(first) ?? parseFunction(first)) : null
}

function fillStyleAfter(
  context: OffscreenCanvasRenderingContext2D | null | undefined,
  start: string,
  source: string,
): string | undefined {
  if (!context) return undefined
  context.fillStyle = start
  context.fillStyle = source
  return typeof context.fillStyle === 'string' ? context.fillStyle : undefined
}
