import { hexColors, parseColor, type Rgba } from './css-color.ts'

/**
 * From matplotlib's 256 entries (https://bids.github.io/colormap/, CC0; cividis by Nuñez, Anderton and Renslow 2018), as
 * many as keep the straight lines between them within 4 % of the published scale.
 * Single hues and red-blue are ColorBrewer's (https://colorbrewer2.org), without the end that vanishes on white.
 */
const STOPS: Readonly<Record<string, string>> = {
  viridis:
    '440154 481a6c 472f7d 414487 39568c 31688e 2a788e 23888e 1f988b 22a884 35b779 54c568 7ad151 a5db36 d2e21b fde725',
  magma: '000004 150e37 3b0f70 641a80 8c2981 b63779 de4968 f66f5c fe9f6d fece91 fcfdbf',
  inferno:
    '000004 0c0826 240c4f 420a68 5d126e 781c6d 932667 ae305c c73e4c dd513a ed6925 f8850f fca50a fac62d f2e661 fcffa4',
  plasma: '0d0887 4c02a1 7e03a8 a92396 cb4778 e66c5c f89441 fdc328 f0f921',
  cividis: '00224e 0a3470 35456c 4f576c 666970 7c7b78 948e77 aea271 c8b866 e4ce52 fee838',
  greys: 'd9d9d9 bdbdbd 969696 737373 525252 252525 000000',
  reds: 'fee0d2 fcbba1 fc9272 fb6a4a ef3b2c cb181d a50f15 67000d',
  blues: 'deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b',
  greens: 'e5f5e0 c7e9c0 a1d99b 74c476 41ab5d 238b45 006d2c 00441b',
  rdbu: '053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f',
}

export const SCALE_NAMES: readonly string[] = Object.keys(STOPS)

/** CSS colours from low to high, evenly spaced: the stops of a legend's bar. An unknown scale is viridis. */
export function scaleGradient(scale: string): string[] {
  const stops = (Object.hasOwn(STOPS, scale) ? STOPS[scale] : STOPS.viridis) ?? ''
  return hexColors(stops)
}

/** The colour at `t` (0 to 1, clamped) as a function: parsed once, asked 256 times. */
export function gradientSampler(scale: string): (t: number) => Rgba {
  const stops = scaleGradient(scale).map((color): Rgba => parseColor(color) ?? [0, 0, 0, 255])
  const last = stops.length - 1
  return (t) => {
    const at = Math.min(1, Math.max(0, t)) * last
    const low = stops[Math.floor(at)] ?? [0, 0, 0, 255]
    const high = stops[Math.ceil(at)] ?? low
    const part = (i: 0 | 1 | 2) => low[i] + (high[i] - low[i]) * (at % 1)
    return [part(0), part(1), part(2), 255]
  }
}
