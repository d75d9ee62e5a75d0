import type { VNode } from 'preact'
import { usePage } from './page-context.ts'

const STEP_PX = 20
const LEAST_PX = 200
const MOST_PX = 2000

/** Of the drag under way: how far the pointer is on the screen from what it drags, while the handle is drawn anew. */
let grip = 0

/** The cell's lower border, to be dragged or moved by arrow keys. Absent in a tab, which is as high as its window. */
export function HeightHandle(): VNode | null {
  const { height } = usePage().viewer.store
  if (parent === window) return null
  // The cell follows in its own time: a key that is held counts from where it is to be.
  const now = height.value ?? innerHeight
  const change = (wanted: number) => {
    height.value = Math.round(Math.min(MOST_PX, Math.max(LEAST_PX, wanted)))
  }
  return (
    <hr
      class="handle"
      tabIndex={0}
      aria-label="Height of the cell"
      aria-valuemin={LEAST_PX}
      aria-valuemax={MOST_PX}
      aria-valuenow={now}
      onPointerDown={({ currentTarget, pointerId, screenY }) => {
        currentTarget.setPointerCapture(pointerId)
        grip = screenY - innerHeight
      }}
      // The frame grows under the pointer: only the screen stands still.
      onPointerMove={({ currentTarget, pointerId, screenY }) => {
        if (currentTarget.hasPointerCapture(pointerId)) change(screenY - grip)
      }}
      onKeyDown={(event) => {
        const step = { ArrowDown: STEP_PX, ArrowUp: -STEP_PX }[event.key]
        if (step === undefined) return
        event.preventDefault()
        change(now + step)
      }}
    />
  )
}
