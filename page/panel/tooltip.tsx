import type { VNode } from 'preact'
import { cellValue } from '../cell-value.ts'
import { colorLabel, colorName } from '../colorable.ts'
import type { Point } from '../gestures.ts'
import { CellName } from './cell-table.tsx'
import { usePage } from './page-context.ts'

const OFFSET_PX = 14

/**
 * Name and values of the cell under the pointer: the colour's, and those of what coloured lately. For the eye alone; the
 * table says the same to those who use keys.
 */
export function Tooltip({ cell, at: [x, y] }: { cell: number; at: Point }): VNode {
  const { viewer, canvas } = usePage()
  const { clientWidth: width, clientHeight: height } = canvas
  const px = (length: number) => `${length + OFFSET_PX}px`
  const side = x > width / 2 ? { right: px(width - x) } : { left: px(x) }
  const end = y > height / 2 ? { bottom: px(height - y) } : { top: px(y) }
  return (
    <div class="tooltip" aria-hidden="true" key={`${Object.keys({ ...side, ...end })}`} style={{ ...side, ...end }}>
      <strong>
        <CellName cell={cell} />
      </strong>
      {viewer.knownColumns().map(({ by, column }) => (
        <span key={colorName(by)}>
          {colorLabel(by)}: {cellValue(column, cell)}
        </span>
      ))}
    </div>
  )
}
