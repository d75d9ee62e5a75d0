import { parseColor, type Rgba } from './css-color.ts'

/**
 * Every 15th of matplotlib's 256 entries (https://bids.github.io/colormap/, CC0; cividis by Nuñez, Anderton and Renslow
 * 2018): straight lines between them stay within 5 % of the published scale.
 * Single hues and red-blue are ColorBrewer's (https://colorbrewer2.org), without the end that vanishes on white.
 */
const STOPS: Readonly<Record<string, string>> = {
  viridis:
    '440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e 1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f d8e219 fde725',
  magma:
    '000004 090720 1a1042 311165 4a1079 621980 792282 912b81 aa337d c23b75 d9466b ec5860 f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf',
  inferno:
    '000004 0a0722 1e0c45 380962 510e6c 69166e 801f6c 982766 b0315b c63d4d d94d3d e9612b f47918 fa9407 fcb014 f8cd37 f2ea69 fcffa4',
  plasma:
    '0d0887 2f0596 4903a0 6100a7 7801a8 8e0ca4 a21d9a b42e8d c43e7f d24f71 de6164 e97257 f3854b f99a3e fdaf31 fdc627 f8df25 f0f921',
  cividis:
    '00224e 002d68 163770 2e416d 3f4c6c 4e566c 5c616e 696b71 767676 838179 928c78 a09875 afa471 bfb06b cfbd62 dfca57 f0d846 fee838',
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
  return stops.split(' ').map((digits) => `#${digits}`)
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
