import type { VNode } from 'preact'

/** Line drawings on a 16 px grid, in the colour of the text. They say nothing alone: every button has its name. */
const PATHS = {
  lasso:
    'M8 2.5c3.3 0 5.5 1.6 5.5 3.7S11.3 10 8 10 2.5 8.3 2.5 6.2 4.7 2.5 8 2.5M5 9.5c-1.2.5-1.5 2-.3 2.5 1.3.5 1.3 1.5.8 2.5',
  rectangle: 'M2.5 4.5h11v7h-11z',
  undo: 'M6 3.5 3 6.5l3 3M3 6.5h6.5a3.2 3.2 0 0 1 0 6.5H7',
  redo: 'M10 3.5l3 3-3 3M13 6.5H6.5a3.2 3.2 0 0 0 0 6.5H9',
  full: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  reset: 'M2.5 8 8 3l5.5 5M4.5 6.5V13h7V6.5',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.3',
  chart: 'M3 13V9M8 13V3M13 13V6.5',
  panel: 'M2.5 3.5h11v9h-11zM10 3.5v9',
  close: 'M4 4l8 8M12 4l-8 8',
} as const

export function Icon({ name }: { name: keyof typeof PATHS }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
