import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { cellValue } from '../cell-value.ts'
import { colorLabel } from '../colorable.ts'
import type { Point } from '../gestures.ts'
import { usePage } from './page-context.ts'

/** A pointer that only passes asks for no name. */
const REST_MS = 60

/** Name and value of the cell under the pointer. For the eye alone: the same is in the panel for those who use keys. */
export function Tooltip({ cell, at: [x, y] }: { cell: number; at: Point }): VNode {
  const { viewer, canvas } = usePage()
  const name = useSignal<string | null>(null)
  useEffect(() => {
    const stop = new AbortController()
    name.value = null
    const timer = setTimeout(() => {
      viewer.cellName(cell, stop.signal).then(
        (found) => {
          name.value = found
        },
        () => undefined, // The row's number stands there already; a name that cannot be read is not worth a sentence.
      )
    }, REST_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [cell])
  const color = viewer.store.color.value
  const isRight = x > canvas.clientWidth / 2
  const isLow = y > canvas.clientHeight / 2
  return (
    <div
      class="tooltip"
      aria-hidden="true"
      style={{
        left: isRight ? 'auto' : `${x + 14}px`,
        right: isRight ? `${canvas.clientWidth - x + 14}px` : 'auto',
        top: isLow ? 'auto' : `${y + 14}px`,
        bottom: isLow ? `${canvas.clientHeight - y + 14}px` : 'auto',
      }}
    >
      <strong>{name.value ?? `cell ${cell}`}</strong>
      {color === null ? null : (
        <span>
          {colorLabel(color.by)}: {cellValue(color.column, cell)}
        </span>
      )}
    </div>
  )
}
