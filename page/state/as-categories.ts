import { effect } from '@preact/signals'
import { categoryPalette } from '../../protocol/category-palette.ts'
import type { CodesColumn, Column } from '../../protocol/column-frame.ts'
import type { Colorable } from '../columns/colorable.ts'
import { denseValues, isValueColumn, type ValueColumn } from '../columns/column-values.ts'
import type { Store } from './store.ts'

/** Clusters are fewer; more different numbers than these are amounts. */
const MAX_DIFFERENT = 100
const MISSING_CODE = 255

/** Both ways, each made once. */
const categoriesOf = new WeakMap<ValueColumn, CodesColumn | null>()
const valuesOf = new WeakMap<CodesColumn, ValueColumn>()

/** Whole numbers, of which few differ, as categories in their order; `null` for others. */
export function asCategories(column: ValueColumn): CodesColumn | null {
  const known = categoriesOf.get(column)
  if (known !== undefined) return known
  const made = makeCategories(column)
  categoriesOf.set(column, made)
  if (made !== null) valuesOf.set(made, column)
  return made
}

/** The numbers that these categories were made of, or `null`. */
export function asValues(column: CodesColumn): ValueColumn | null {
  return valuesOf.get(column) ?? null
}

/** A column in the form that the user chose for it. @param keys fields of obs that are shown as categories */
export function inChosenForm(column: Column, by: Colorable, keys: readonly string[]): Column {
  const values = isValueColumn(column) ? column : asValues(column)
  if (values === null) return column
  return by.axis === 'obs' && keys.includes(by.key) ? (asCategories(values) ?? values) : values
}

/** The colour on screen follows the choice, also where it is undone. @returns stops */
export function followChosenForm(store: Store): () => void {
  return effect(() => {
    const keys = store.asCategories.value
    const color = store.color.peek()
    if (color === null) return
    const column = inChosenForm(color.column, color.by, keys)
    if (column !== color.column) store.color.value = { ...color, column }
  })
}

function makeCategories(column: ValueColumn): CodesColumn | null {
  const values = denseValues(column)
  const numbers = new Set<number>()
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN
    if (Number.isNaN(value) || numbers.has(value)) continue
    if (!Number.isSafeInteger(value) || numbers.size === MAX_DIFFERENT) return null
    numbers.add(value)
  }
  if (numbers.size === 0) return null
  const sorted = [...numbers].sort((a, b) => a - b)
  const codeOf = new Map(sorted.map((value, code) => [value, code]))
  const codes = Uint8Array.from(values, (value) => codeOf.get(value) ?? MISSING_CODE)
  const { missingCells, note, version } = column
  return {
    kind: 'codes',
    codes,
    categories: sorted.map(String),
    ordered: true,
    colors: categoryPalette(sorted.length),
    missingCells,
    ...(note === undefined ? {} : { colorNote: note }),
    ...(version === undefined ? {} : { version }),
  }
}
