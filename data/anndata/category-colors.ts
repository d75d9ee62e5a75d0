import { categoryPalette, DEFAULT_CYCLE, MAX_CATEGORY_COLORS } from '../../protocol/category-palette.ts'
import type { StoredColor } from '../../protocol/pipe.ts'
import { quoted } from '../near-names.ts'
import { parseColor } from './named-colors.ts'

type Asked = {
  /** The obs field. */
  key: string
  categories: readonly string[]
  /** As they stand in `uns`, `null` where there are none. */
  stored: readonly StoredColor[] | null
  /** Of matplotlib's settings, `null` where nothing is known of them. */
  cycle: readonly string[] | null
}

/** `note` says what was ignored, and why. */
type CategoryColors = { colors: readonly string[]; note: string | null }

/**
 * One colour per category, as scanpy draws them: those of `uns` where there are enough and all of them are colours, the
 * first ones where there are more, else its default palette.
 */
export function categoryColors({ key, categories, stored, cycle }: Asked): CategoryColors {
  const count = categories.length
  const turns = cycle === null || cycle.length === 0 ? DEFAULT_CYCLE : cycle
  const usual = categoryPalette(count, turns)
  if (stored === null) return { colors: usual, note: count > MAX_CATEGORY_COLORS ? manyNote(key, count) : null }
  const where = `uns ${quoted(`${key}_colors`)}`
  if (stored.length < count) {
    return { colors: usual, note: `${where} has ${stored.length} colours for ${count} categories${DEFAULT_INSTEAD}` }
  }
  const colors = stored.map((color) => parseColor(color, turns))
  const strange = colors.indexOf(null)
  if (strange >= 0) {
    return {
      colors: usual,
      note: `${where} holds ${strangeText(stored[strange] ?? null, categories)}${DEFAULT_INSTEAD}`,
    }
  }
  return { colors: colors.slice(0, count).filter((color) => color !== null), note: null }
}

const DEFAULT_INSTEAD = ': the default palette is used, as in scanpy.'

function strangeText(color: StoredColor, categories: readonly string[]): string {
  if (typeof color === 'string' && categories.includes(color)) {
    return `the category ${quoted(color)}, as a dict does, where a list of colours belongs, one per category in their order`
  }
  if (color === null) return 'something that is no colour'
  if (typeof color === 'string') return `${quoted(color)}, which is no colour`
  const isOfBytes = color.every((part) => typeof part === 'number' && part >= 0 && part <= 255)
  return `(${color.slice(0, 4).join(', ')}), which is no colour${isOfBytes ? '; its parts go from 0 to 1' : ''}`
}

/** Of a field of numbers: as many colours as numbers may stand there, and scanpy takes none of them. */
export function numbersNote(key: string): string {
  const column = `adata.obs[${JSON.stringify(key)}]`
  return (
    `uns ${quoted(`${key}_colors`)} is not used: obs ${quoted(key)} holds numbers, which have a scale, as in scanpy. ` +
    `${column} = ${column}.astype("category") makes categories of them.`
  )
}

function manyNote(key: string, count: number): string {
  return (
    `obs ${quoted(key)} has ${count.toLocaleString('en')} categories, more than colours that can be told apart: all are ` +
    `grey, as in scanpy. Give colours of your own in uns ${quoted(`${key}_colors`)} or in the legend.`
  )
}
