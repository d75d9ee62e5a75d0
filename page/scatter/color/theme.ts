import type { Rgba } from './css-color.ts'

export type Theme = 'light' | 'dark'

export type ThemeColors = {
  background: Rgba
  text: string
  /** all cells while nothing colours them */
  plain: Rgba
  /** cells without a value */
  missing: Rgba
  /** cells outside the selection: still there, in grey */
  dimmed: Rgba
}

export const THEME_COLORS: Readonly<Record<Theme, ThemeColors>> = {
  light: {
    background: [255, 255, 255, 255],
    text: '#1b1f24',
    plain: [104, 125, 158, 255],
    missing: [211, 211, 211, 255], // scanpy's lightgray
    dimmed: [214, 217, 222, 255],
  },
  dark: {
    background: [20, 23, 28, 255],
    text: '#e6e9ee',
    plain: [137, 160, 196, 255],
    missing: [92, 98, 108, 255],
    dimmed: [58, 63, 71, 255],
  },
}
