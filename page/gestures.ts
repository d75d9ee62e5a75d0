import type { Combine } from './cell-sets.ts'
import type { Scatter } from './scatter/scatter.ts'

export type Point = readonly [number, number]

/** What pointer and keys on the canvas mean. Coordinates are CSS pixels on the canvas. */
export type GestureHandlers = {
  isLassoTool(): boolean
  is3d(): boolean
  /** The lasso while it is drawn; `null` when it ends. */
  lasso(points: readonly Point[] | null): void
  selected(cells: Uint32Array, how: Combine): void
  clicked(cell: number | null, event: PointerEvent): void
  /** The pointer rests over a cell, or over none. */
  hovered(cell: number | null, at: Point): void
}

/** Less than this is a click with an unsteady hand. */
const CLICK_SLOP_PX = 4
/** Lasso corners closer together change no cell that anyone could have meant. */
const LASSO_STEP_PX = 3
const WHEEL_ZOOM_PER_PX = 0.002
/** Firefox tells lines where others tell pixels. */
const LINE_PX = 16

type Drag = { id: number; from: Point; last: Point; lasso: Point[] | null; isMoved: boolean }

/** Pointer and wheel on the canvas. The wheel belongs to the notebook until the canvas has focus. */
export function attachGestures(
  canvas: HTMLCanvasElement,
  scatter: Scatter,
  handlers: GestureHandlers,
  signal: AbortSignal,
): { cancelLasso(): boolean } {
  let drag: Drag | null = null
  let hoverFrame = 0

  canvas.addEventListener('pointerdown', down, { signal })
  canvas.addEventListener('pointermove', move, { signal })
  canvas.addEventListener('pointerup', up, { signal })
  canvas.addEventListener('pointercancel', cancel, { signal })
  canvas.addEventListener('pointerleave', leave, { signal })
  canvas.addEventListener('dblclick', () => scatter.resetCamera(), { signal })
  canvas.addEventListener('wheel', wheel, { signal, passive: false })
  signal.addEventListener('abort', () => cancelAnimationFrame(hoverFrame))

  function down(event: PointerEvent): void {
    if (drag !== null || event.button !== 0) return
    canvas.focus({ preventScroll: true })
    canvas.setPointerCapture(event.pointerId)
    const at = pointOf(event)
    const lasso = event.shiftKey || handlers.isLassoTool() ? [at] : null
    drag = { id: event.pointerId, from: at, last: at, lasso, isMoved: false }
  }

  function move(event: PointerEvent): void {
    const at = pointOf(event)
    if (drag === null) {
      cancelAnimationFrame(hoverFrame)
      hoverFrame = requestAnimationFrame(() => handlers.hovered(scatter.pick(...at), at))
      return
    }
    if (event.pointerId !== drag.id) return
    if (!drag.isMoved && distance(at, drag.from) < CLICK_SLOP_PX) return
    if (!drag.isMoved) handlers.hovered(null, at)
    drag.isMoved = true
    if (drag.lasso !== null) extendLasso(drag.lasso, at)
    else turn(at[0] - drag.last[0], at[1] - drag.last[1])
    drag.last = at
  }

  function turn(dx: number, dy: number): void {
    if (handlers.is3d()) scatter.orbitBy(dx, dy)
    else scatter.panBy(dx, dy)
  }

  function extendLasso(lasso: Point[], at: Point): void {
    const end = lasso.at(-1)
    if (end !== undefined && distance(end, at) < LASSO_STEP_PX) return
    lasso.push(at)
    handlers.lasso([...lasso])
  }

  function up(event: PointerEvent): void {
    if (drag === null || event.pointerId !== drag.id) return
    const { lasso, isMoved } = drag
    drag = null
    if (!isMoved) handlers.clicked(scatter.pick(...pointOf(event)), event)
    else if (lasso !== null) {
      handlers.lasso(null)
      if (lasso.length > 2) handlers.selected(scatter.cellsInPolygon(lasso), howOf(event))
    }
  }

  function cancel(): void {
    if (drag?.lasso != null) handlers.lasso(null)
    drag = null
  }

  function leave(event: PointerEvent): void {
    cancelAnimationFrame(hoverFrame)
    if (drag === null) handlers.hovered(null, pointOf(event))
  }

  function wheel(event: WheelEvent): void {
    if (canvas.ownerDocument.activeElement !== canvas || !canvas.ownerDocument.hasFocus()) return
    event.preventDefault()
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_PX : event.deltaY
    scatter.zoomBy(Math.exp(-pixels * WHEEL_ZOOM_PER_PX), [event.offsetX, event.offsetY])
  }

  return {
    cancelLasso() {
      const wasDrawing = drag?.lasso != null
      cancel()
      return wasDrawing
    },
  }
}

function howOf(event: PointerEvent): Combine {
  if (event.altKey) return 'subtract'
  return event.ctrlKey || event.metaKey ? 'add' : 'replace'
}

function pointOf(event: PointerEvent): [number, number] {
  return [event.offsetX, event.offsetY]
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1])
}
