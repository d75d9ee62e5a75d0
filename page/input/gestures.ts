import { type Combine, howOf } from '../columns/cell-sets.ts'
import type { Scatter } from '../scatter/scatter.ts'
import type { Tool } from '../state/store.ts'

export type Point = readonly [number, number]

/** What pointer and wheel on the canvas mean. Coordinates are CSS pixels on the canvas. */
export type GestureHandlers = {
  tool(): Tool
  is3d(): boolean
  /** The outline while it is drawn; `null` when it ends. */
  outline(points: readonly Point[] | null): void
  selected(cells: Uint32Array, how: Combine, tool: 'lasso' | 'rectangle'): void
  clicked(cell: number | null, how: Combine, event: PointerEvent): void
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

type Drag = { tool: Tool; from: Point; last: Point; corners: Point[]; isMoved: boolean }

/** Pointer and wheel on the canvas. Wheel and fingers belong to the notebook until the canvas has focus. */
export class Gestures {
  readonly #canvas: HTMLCanvasElement
  readonly #scatter: Scatter
  readonly #handlers: GestureHandlers
  /** Where each pressed pointer is; two are a pinch. */
  readonly #pointers = new Map<number, Point>()
  #drag: Drag | null = null
  #hoverFrame = 0

  constructor(canvas: HTMLCanvasElement, scatter: Scatter, handlers: GestureHandlers) {
    this.#canvas = canvas
    this.#scatter = scatter
    this.#handlers = handlers
    const on = <Type extends keyof HTMLElementEventMap>(
      type: Type,
      hear: (event: HTMLElementEventMap[Type]) => void,
    ) => {
      canvas.addEventListener(type, hear, { passive: false })
    }
    on('pointerdown', (event) => this.#down(event))
    on('pointermove', (event) => this.#move(event))
    on('pointerup', (event) => this.#up(event))
    on('pointercancel', (event) => this.#cancel(event.pointerId))
    on('pointerleave', (event) => this.#leave(event))
    on('dblclick', () => scatter.resetCamera())
    on('wheel', (event) => this.#wheel(event))
    // It may move the picture from under the pointer.
    on('keydown', () => handlers.hovered(null, [0, 0]))
  }

  /** @returns whether an outline was being drawn */
  cancelOutline(): boolean {
    const wasDrawing = this.#drag !== null && this.#drag.tool !== 'pan'
    this.#endDrag()
    return wasDrawing
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return
    const chosen = this.#handlers.tool()
    // A finger scrolls the notebook until it has tapped the picture.
    if (event.pointerType !== 'touch' || chosen !== 'pan') this.#takeFocus()
    this.#canvas.setPointerCapture(event.pointerId)
    const at = pointOf(event)
    this.#pointers.set(event.pointerId, at)
    this.#endDrag()
    if (this.#pointers.size > 1) return
    const tool = chosen === 'pan' && event.shiftKey ? 'lasso' : chosen
    this.#drag = { tool, from: at, last: at, corners: [at], isMoved: false }
  }

  #move(event: PointerEvent): void {
    const at = pointOf(event)
    const before = this.#pointers.get(event.pointerId)
    if (before === undefined) this.#hover(at)
    else if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, at)
    else if (this.#drag !== null) this.#pull(this.#drag, at)
    if (before !== undefined) this.#pointers.set(event.pointerId, at)
  }

  #hover(at: Point): void {
    cancelAnimationFrame(this.#hoverFrame)
    this.#hoverFrame = requestAnimationFrame(() => this.#handlers.hovered(this.#scatter.pick(...at), at))
  }

  #pull(drag: Drag, at: Point): void {
    if (!drag.isMoved && distance(at, drag.from) < CLICK_SLOP_PX) return
    if (!drag.isMoved) this.#handlers.hovered(null, at)
    drag.isMoved = true
    if (!this.#hasFocus) return
    if (drag.tool === 'pan') this.#turn(at[0] - drag.last[0], at[1] - drag.last[1])
    else this.#extend(drag, at)
    drag.last = at
  }

  #turn(dx: number, dy: number): void {
    if (this.#handlers.is3d()) this.#scatter.orbitBy(dx, dy)
    else this.#scatter.panBy(dx, dy)
  }

  #extend(drag: Drag, at: Point): void {
    if (drag.tool === 'rectangle') drag.corners = rectangle(drag.from, at)
    else if (distance(drag.corners.at(-1) ?? drag.from, at) >= LASSO_STEP_PX) drag.corners.push(at)
    this.#handlers.outline([...drag.corners])
  }

  /** Two fingers: their distance zooms, their middle moves. */
  #pinch(id: number, before: Point, at: Point): void {
    const [, other] = [...this.#pointers].find(([pointer]) => pointer !== id) ?? []
    if (other === undefined) return
    const [oldMiddle, middle] = [middleOf(before, other), middleOf(at, other)]
    this.#scatter.panBy(middle[0] - oldMiddle[0], middle[1] - oldMiddle[1])
    const spread = distance(before, other)
    if (spread > 0) this.#scatter.zoomBy(distance(at, other) / spread, middle)
  }

  #up(event: PointerEvent): void {
    const drag = this.#drag
    if (!this.#pointers.delete(event.pointerId) || drag === null) return
    this.#endDrag()
    if (!drag.isMoved) this.#click(event)
    else if (drag.tool !== 'pan' && drag.corners.length > 2) {
      this.#handlers.selected(this.#scatter.cellsInPolygon(drag.corners), howOf(event), drag.tool)
    }
  }

  #click(event: PointerEvent): void {
    const at = pointOf(event)
    this.#takeFocus()
    this.#handlers.clicked(this.#scatter.pick(...at), howOf(event), event)
    this.#hover(at) // a finger has not been here before
  }

  #cancel(id: number): void {
    this.#pointers.delete(id)
    this.#endDrag()
  }

  #endDrag(): void {
    if (this.#drag !== null && this.#drag.tool !== 'pan') this.#handlers.outline(null)
    this.#drag = null
  }

  #leave(event: PointerEvent): void {
    // A finger leaves with each touch, and what it asked for stays to be read.
    if (event.pointerType === 'touch') return
    cancelAnimationFrame(this.#hoverFrame)
    if (this.#drag === null) this.#handlers.hovered(null, pointOf(event))
  }

  get #hasFocus(): boolean {
    return document.activeElement === this.#canvas
  }

  #takeFocus(): void {
    this.#canvas.focus({ preventScroll: true })
  }

  #wheel(event: WheelEvent): void {
    if (!this.#hasFocus || !document.hasFocus()) return
    event.preventDefault()
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_PX : event.deltaY
    const at = pointOf(event)
    this.#scatter.zoomBy(Math.exp(-pixels * WHEEL_ZOOM_PER_PX), at)
    this.#hover(at)
  }
}

function rectangle([x0, y0]: Point, [x1, y1]: Point): Point[] {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ]
}

function pointOf(event: MouseEvent): [number, number] {
  return [event.offsetX, event.offsetY]
}

function middleOf(a: Point, b: Point): [number, number] {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1])
}
