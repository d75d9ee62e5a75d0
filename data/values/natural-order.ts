/**
 * Texts in the order in which anndata makes categories of them: runs of digits, of any script, count as numbers, all else
 * by code points.
 * @returns a new list, as `natsort` of Python would sort the sorted texts
 */
export function naturallySorted(texts: Iterable<string>): string[] {
  const keyed = [...texts].map((text) => ({ text, parts: partsOf(text) }))
  // Texts that differ in zeros alone ("t01", "t1") stay in the order of their letters.
  keyed.sort((a, b) => comparePoints(a.text, b.text)).sort((a, b) => compareParts(a.parts, b.parts))
  return keyed.map(({ text }) => text)
}

/** Texts and numbers in turn, beginning with a text. */
function partsOf(text: string): string[] {
  const parts = ['']
  const decomposed = text.normalize('NFD')
  for (const [i, part] of decomposed.split(NUMBER).entries()) {
    // ½ and ⑩ are letters.
    const isNumber = i % 2 === 1 && (DECIMAL.test(part) || digitValue(part) !== null)
    if (isNumber) parts.push(part, '')
    else parts[parts.length - 1] += part
  }
  return parts
}

/** As natsort has it: digits of every script, and each of those that are raised, lowered or in a circle by itself. */
const NUMBER = /(\p{Nd}+|\p{No})/u

/** Every other part is a number. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const [left, right] = [a[i] ?? '', b[i] ?? '']
    const order = i % 2 === 1 ? compareDigits(left, right) : comparePoints(left, right)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Of any length: they are never made numbers. */
function compareDigits(a: string, b: string): number {
  const [left, right] = [plainDigits(a).replace(/^0+/, ''), plainDigits(b).replace(/^0+/, '')]
  return left.length - right.length || comparePoints(left, right)
}

/** The same number in ASCII. */
function plainDigits(digits: string): string {
  return /^\d+$/.test(digits) ? digits : Array.from(digits, (digit) => String(digitValue(digit) ?? 0)).join('')
}

/** 0 to 9; `null` for what counts more or less than a digit does, as ½ and ⑩. */
function digitValue(digit: string): number | null {
  const digits = digit.normalize('NFKD').match(/\p{N}/gu) ?? []
  const [found = ''] = digits
  if (digits.length !== 1) return null
  if (/\d/.test(found)) return Number(found)
  if (!DECIMAL.test(found)) return null
  // Digits of a script follow one another, from 0 to 9.
  const code = found.codePointAt(0) ?? 0
  let zero = code
  while (DECIMAL.test(String.fromCodePoint(zero - 1))) zero--
  return (code - zero) % 10
}

const DECIMAL = /^\p{Nd}+$/u

/** As Python compares: by code points, where JavaScript looks at halves of them. */
function comparePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left === right) continue
    // A half stands for a character behind all that are whole.
    const areHalves = [isHalf(left), isHalf(right)]
    return areHalves[0] === areHalves[1] ? left - right : areHalves[0] ? 1 : -1
  }
  return a.length - b.length
}

function isHalf(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000
}
