/** Red, green, blue and alpha, 0 to 255 each. */
export type Rgba = readonly [number, number, number, number]

const HEX = /^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i

/**
 * Parse a CSS colour: `#rgb[a]`, `#rrggbb[aa]`; anything else (names, `rgb()`, `hsl()`, `oklch()`) is asked of the browser.
 * @returns null for a text that is no colour
 */
export function parseColor(text: string): Rgba | null {
  const source = text.trim()
  return parseHex(source) ?? askBrowser(source)
}

export function toHex([red, green, blue]: Rgba | readonly [number, number, number]): string {
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`
}

/** CSS colours from a list of their six digits each. */
export function hexColors(list: string): string[] {
  return (list.match(/\w{6}/g) ?? []).map((digits) => `#${digits}`)
}

function parseHex(source: string): Rgba | null {
  const digits = HEX.exec(source)?.[1]
  if (digits === undefined) return null
  const long = digits.length < 6 ? digits.replace(/./g, '$&$&') : digits
  const part = (at: number) => Number.parseInt(long.slice(at, at + 2), 16)
  return [part(0), part(2), part(4), long.length === 8 ? part(6) : 255]
}

let probe: OffscreenCanvasRenderingContext2D | null = null

/** A canvas keeps its fill style when told something that is no colour: two different starts tell the two cases apart. */
function askBrowser(source: string): Rgba | null {
  if (typeof OffscreenCanvas === 'undefined') return null
  probe ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  if (probe === null) return null
  probe.fillStyle = '#000'
  probe.fillStyle = source
  const first = probe.fillStyle
  probe.fillStyle = '#fff'
  probe.fillStyle = source
  if (first !== probe.fillStyle) return null
  // Names and the older functions are given back as hex, ten milliseconds before the first pixel could be read.
  const hex = parseHex(first)
  if (hex !== null) return hex
  probe.clearRect(0, 0, 1, 1)
  probe.fillRect(0, 0, 1, 1)
  const [red = 0, green = 0, blue = 0, alpha = 0] = probe.getImageData(0, 0, 1, 1).data
  return [red, green, blue, alpha]
}
