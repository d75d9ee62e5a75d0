import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'

const SMALLEST_PX = 200
const KEY_STEP_PX = 40

/** The lower edge of the page: dragged, or moved by arrow keys, it sets the height of the notebook's cell. */
export function ResizeHandle({ onResize }: { onResize(height: number): void }): VNode {
  const start = useSignal<{ y: number; height: number } | null>(null)
  const resize = (height: number) => onResize(Math.max(SMALLEST_PX, Math.round(height)))
  return (
    // biome-ignore lint/a11y/useSemanticElements: a splitter that takes focus; a rule cannot
    <div
      class="resize"
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label="Height of the viewer"
      aria-valuenow={innerHeight}
      onKeyDown={({ key }) => {
        if (key === 'ArrowDown') resize(innerHeight + KEY_STEP_PX)
        if (key === 'ArrowUp') resize(innerHeight - KEY_STEP_PX)
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        start.value = { y: event.screenY, height: innerHeight }
      }}
      onPointerMove={({ screenY }) => {
        if (start.value !== null) resize(start.value.height + screenY - start.value.y)
      }}
      onPointerUp={() => (start.value = null)}
    />
  )
}
