import { DEFAULT_CYCLE } from '../../protocol/category-palette.ts'
import type { StoredColor } from '../../protocol/pipe.ts'
import { xkcdColor } from './xkcd-colors.ts'

/** The CSS colour names, each with its value (CSS Color Module Level 4, which matplotlib shares). */
const CSS_NAMES =
  'aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black ' +
  '000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 ' +
  'chartreuse 7fff00 chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff ' +
  'darkblue 00008b darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki ' +
  'bdb76b darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon ' +
  'e9967a darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1 ' +
  'darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick ' +
  'b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 ' +
  'goldenrod daa520 gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 ' +
  'indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 ' +
  'lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray ' +
  'd3d3d3 lightgreen 90ee90 lightgrey d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue ' +
  '87cefa lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 ' +
  'limegreen 32cd32 linen faf0e6 magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd ' +
  'mediumorchid ba55d3 mediumpurple 9370db mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a ' +
  'mediumturquoise 48d1cc mediumvioletred c71585 midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ' +
  'ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6 olive 808000 olivedrab 6b8e23 orange ffa500 orangered ' +
  'ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee palevioletred db7093 papayawhip ' +
  'ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd powderblue b0e0e6 purple 800080 rebeccapurple 663399 ' +
  'red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57 ' +
  'seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey 708090 ' +
  'snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080 thistle d8bfd8 tomato ff6347 turquoise ' +
  '40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32'

/** matplotlib's own names beside these. */
const TABLEAU_NAMES =
  'tab:blue 1f77b4 tab:orange ff7f0e tab:green 2ca02c tab:red d62728 tab:purple 9467bd ' +
  'tab:brown 8c564b tab:pink e377c2 tab:gray 7f7f7f tab:grey 7f7f7f tab:olive bcbd22 tab:cyan 17becf'
/** matplotlib's letters, of which the case counts. */
const LETTERS = 'b 0000ff g 008000 r ff0000 c 00bfbf m bf00bf y bfbf00 k 000000 w ffffff'

/** Names of R that scanpy knows beside matplotlib's, of which the case counts. */
const R_NAMES =
  'gold2 eec900 firebrick3 cd2626 khaki2 eee685 slategray3 9fb6cd palegreen3 7ccd7c tomato2 ee5c42 grey80 cccccc ' +
  'grey90 e5e5e5 wheat4 8b7e66 grey65 a6a6a6 grey10 1a1a1a grey20 333333 grey50 7f7f7f grey30 4d4d4d grey40 666666 ' +
  'antiquewhite2 eedfcc grey77 c4c4c4 snow4 8b8989 chartreuse3 66cd00 yellow4 8b8b00 darkolivegreen2 bcee68 ' +
  'olivedrab3 9acd32 azure3 c1cdcd violetred d02090 mediumpurple3 8968cd purple4 551a8b seagreen4 2e8b57 ' +
  'lightblue3 9ac0cd orchid3 b452cd grey60 999999 mediumorchid1 e066ff plum3 cd96cd palevioletred3 cd6889'

const ANY_CASE = pairs(`${CSS_NAMES} ${TABLEAU_NAMES}`)
const THIS_CASE = pairs(`${LETTERS} ${R_NAMES}`).set('indianred 3', 'cd5555')

/** A grey as Python reads a number. */
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i

/**
 * A colour as `uns` holds it, as `#rrggbb` or `#rrggbbaa`: what matplotlib or scanpy calls one. That is a name of CSS,
 * `tab:…` or `xkcd:…` in any case, a letter, `C3`, `#rgb[a]`, `#rrggbb[aa]`, a grey such as `0.5`, `none`, one of R's
 * names, three or four parts from 0 to 1, or a text with an opacity.
 * @param cycle what `C3` counts in
 * @returns `null` where it is no colour
 */
export function parseColor(color: StoredColor, cycle: readonly string[] = DEFAULT_CYCLE): string | null {
  if (color === null) return null
  if (typeof color === 'string') return parseText(color, cycle)
  const [first, opacity] = color
  if (typeof first === 'string') {
    const opaque = parseText(first, cycle)?.slice(0, 7) ?? null
    if (color.length !== 2 || typeof opacity !== 'number' || !isPart(opacity) || opaque === null) return null
    return first.toLowerCase() === 'none' ? TRANSPARENT : opaque + byteText(opacity)
  }
  const parts = color.filter(isPart)
  return parts.length === color.length && (parts.length === 3 || parts.length === 4) ? rgbToHex(parts) : null
}

const TRANSPARENT = '#00000000'

function parseText(text: string, cycle: readonly string[]): string | null {
  const name = text.toLowerCase()
  if (name === 'none') return TRANSPARENT
  if (/^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/.test(name)) return name
  if (/^#[0-9a-f]{3,4}$/.test(name)) return `#${[...name.slice(1)].map((digit) => digit + digit).join('')}`
  const place = /^C(\d{1,9})$/.exec(text)?.[1]
  if (place !== undefined) return cycle[Number(place) % cycle.length] ?? null
  const found = name.startsWith('xkcd:') ? xkcdColor(name.slice(5)) : (THIS_CASE.get(text) ?? ANY_CASE.get(name))
  if (found !== undefined) return `#${found}`
  const grey = NUMBER.test(text) ? Number(text) : Number.NaN
  return isPart(grey) ? rgbToHex([grey, grey, grey]) : null
}

function isPart(part: unknown): part is number {
  return typeof part === 'number' && part >= 0 && part <= 1
}

/** Red, green, blue and perhaps alpha, each 0 to 1. */
function rgbToHex(parts: readonly number[]): string {
  return `#${parts.map(byteText).join('')}`
}

/** Two digits, rounded as Python rounds: a half goes to the even neighbour. */
function byteText(part: number): string {
  const scaled = part * 255
  const isHalf = scaled % 1 === 0.5
  const byte = isHalf ? 2 * Math.round(scaled / 2) : Math.round(scaled)
  return byte.toString(16).padStart(2, '0')
}

function pairs(words: string): Map<string, string> {
  const parts = words.split(' ')
  const map = new Map<string, string>()
  for (let i = 0; i + 1 < parts.length; i += 2) map.set(parts[i] ?? '', parts[i + 1] ?? '')
  return map
}
