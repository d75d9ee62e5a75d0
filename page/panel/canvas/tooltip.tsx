import type { VNode } from 'preact'
import { cellValue } from '../../columns/cell-value.ts'
import { colorName, colorTitle } from '../../columns/colorable.ts'
import type { Point } from '../../input/gestures.ts'
import { CellName } from '../drawer/cell-table.tsx'
import { usePage } from '../page-context.ts'

const OFFSET_PX = 14
/** More would cover the picture. */
const MAX_LINES = 24

/**
 * Name and values of the cell under the pointer: the colour's, and those of what coloured lately. For the eye alone; the
 * table says the same to those who use keys.
 */
export function Tooltip({ cell, at: [x, y] }: { cell: number; at: Point }): VNode {
  const { viewer, canvas } = usePage()
  const known = viewer.knownColumns()
  const { clientWidth: width, clientHeight: height } = canvas
  const px = (length: number) => `${length + OFFSET_PX}px`
  const side = x > width / 2 ? { right: px(width - x) } : { left: px(x) }
  const end = y > height / 2 ? { bottom: px(height - y) } : { top: px(y) }
  return (
    <div class="tooltip" aria-hidden="true" key={`${Object.keys({ ...side, ...end })}`} style={{ ...side, ...end }}>
      <strong>
        <CellName cell={cell} />
      </strong>
      {known.slice(0, MAX_LINES).map(({ by, column }) => (
        <span key={colorName(by)}>
          {colorTitle(by)}: {cellValue(column, cell)}
        </span>
      ))}
      {known.length > MAX_LINES ? <span>and {known.length - MAX_LINES} more, in the table</span> : null}
    </div>
  )
}
