import type { StoredArray, Turn, ValueType } from '../stored-tree.ts'
import { isWhole } from '../values/value-type.ts'
import { eachBlock, readDigits } from './blocks.ts'

/** Values as Python prints them, which is how scanpy labels categories that are numbers. */
export async function numberTexts(array: StoredArray, rows: readonly [number, number], turn: Turn): Promise<string[]> {
  if (isWhole(array.type)) return readDigits(array, rows, turn)
  const toText = numberText(array.type)
  const out: string[] = []
  await eachBlock(array, [rows], turn, (block) => {
    for (let i = 0; i < block.length; i++) out.push(toText(block[i] ?? 0))
  })
  return out
}

/** Of what is no whole number. */
export function numberText({ kind }: ValueType): (value: number) => string {
  return kind === 'bool' ? booleanText : floatText
}

function booleanText(value: number): string {
  return value === 0 ? 'False' : 'True'
}

/** As Python's `str(float)`: `1.0`, `1e-05`, `1e+16`, `nan`, `inf`. A float32 is printed as the double that it is. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const size = Math.abs(value)
  if (size < 1e-4 || size >= 1e16) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}
