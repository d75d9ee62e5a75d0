import { eachBlock } from './blocks.ts'
import type { StoredArray, Turn } from './stored-tree.ts'

/** Values as Python prints them: for categories and names that are numbers. */
export async function numberTexts(array: StoredArray, rows: readonly [number, number], turn: Turn): Promise<string[]> {
  const toText = textOf(array)
  const out: string[] = []
  await eachBlock(array, [rows], turn, (block) => {
    for (let i = 0; i < block.length; i++) out.push(toText(block[i] ?? 0))
  })
  return out
}

function textOf({ type }: StoredArray): (value: number) => string {
  if (type.kind === 'bool') return (value) => (value === 0 ? 'False' : 'True')
  if (type.kind === 'float') return type.bytes === 8 ? floatText : (value) => floatText(shortest(value))
  return String
}

/** The shortest number that rounds to the same float32, as numpy prints it. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return value
}

/** As Python's `str(float)` (`1e-05`, `nan`, `inf`), but whole numbers without a point: 1 and not 1.0. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Number.isInteger(value)) return BigInt(value).toString()
  const isTiny = Math.abs(value) < 1e-4
  return isTiny ? value.toExponential().replace(/e-(\d)$/, 'e-0$1') : String(value)
}
