import type { VNode } from 'preact'

/** Line drawings on a 16 px grid, in the colour of the text. They say nothing alone: every button has its name. */
const PATHS = {
  lasso:
    'M8 2.5c3.3 0 5.5 1.6 5.5 3.7S11.3 10 8 10 2.5 8.3 2.5 6.2 4.7 2.5 8 2.5M5 9.5c-1.2.5-1.5 2-.3 2.5 1.3.5 1.3 1.5.8 2.5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  reset: 'M3 6V3h3M13 6V3h-3M3 10v3h3M13 10v3h-3',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.3',
  panel: 'M2.5 3.500h11v9h-11zM10 3.500v9',
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M5 6.500l3 3 3-3',
} as const

export function Icon({ name }: { name: keyof typeof PATHS }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
