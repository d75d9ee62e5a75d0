import { hexColors, toHex } from './css-color.ts'

/**
 * The seven hues of Okabe and Ito (https://jfly.uni-koeln.de/color/), safe for colour-blind readers. Their black cannot
 * be seen on a dark background: "wine" of Paul Tol's muted scheme (https://personal.sron.nl/~pault/) stands in for it.
 */
const FIRST = '0072b2 e69f00 009e73 d55e00 56b4e9 cc79a7 f0e442 882255'
/**
 * Chosen one by one from Green-Armytage's colour alphabet (Journal of the International Colour Association 5, 2010) and
 * Tatarize's 102 contrast colours (2012, known as `godsnot_102`): each time the one farthest in OKLab from all before it
 * and from grey, as seen with normal, red-blind and green-blind eyes, among those that show on white and on black.
 */
const FURTHER =
  '740aff 426600 eec3ff cc0744 ff2f80 00489c ffcc99 772600 885578 2bce48 0086ed ff8a9a ' +
  'ff4a46 3b9700 ff34ff a079bf 1ce6ff ffaa92 d790ff b79762 72418f 005c31 b77b68 d157a0'

const LISTED = hexColors(FIRST + FURTHER)

/** Turn of the hue from one generated colour to the next: the golden angle never comes back to a hue. */
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5))
/** OKLCH lightness and chroma, in turn; all show on white and on black. */
const SHADES = [
  [0.62, 0.17],
  [0.8, 0.11],
  [0.48, 0.14],
  [0.7, 0.09],
  [0.55, 0.1],
] as const

/**
 * Colours for `count` categories: 8 safe for colour-blind readers, 32 chosen for contrast, generated beyond. A longer
 * palette begins with the shorter one. Beyond about 30 no list can be told apart by eye: name and count stand beside it.
 */
export function categoryPalette(count: number): string[] {
  return Array.from({ length: count }, (_, i) => LISTED[i] ?? generated(i - LISTED.length))
}

function generated(i: number): string {
  const [lightness, chroma] = SHADES[i % SHADES.length] ?? SHADES[0]
  const hue = i * GOLDEN_ANGLE
  return toHex(oklabToRgb(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue)))
}

/** OKLab to sRGB bytes, clipped; matrices by Björn Ottosson (https://bottosson.github.io/posts/oklab/). */
function oklabToRgb(lightness: number, a: number, b: number): [number, number, number] {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    gammaByte(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
    gammaByte(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
    gammaByte(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short),
  ]
}

function gammaByte(linear: number): number {
  const clipped = Math.min(1, Math.max(0, linear))
  return 255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055)
}
