/** More device pixels than this a CSS pixel cost time and show nothing. */
const MAX_PIXEL_RATIO = 2

/** A canvas's size in CSS pixels and how many device pixels each is drawn with. */
export type CanvasSize = { width: number; height: number; ratio: number }

/** Width and height are 0 outside of the document and in a hidden tab. */
export function sizeOf(canvas: HTMLCanvasElement): CanvasSize {
  const ratio = Math.min(MAX_PIXEL_RATIO, globalThis.devicePixelRatio || 1)
  return { width: canvas.clientWidth, height: canvas.clientHeight, ratio }
}

/**
 * Follow the size of a canvas; it may also be told without a change.
 * @returns stops following
 */
export function followSize(canvas: HTMLCanvasElement, changed: (size: CanvasSize) => void): () => void {
  const measure = () => changed(sizeOf(canvas))
  const observer = new ResizeObserver(measure)
  observer.observe(canvas)
  // Browser zoom and another screen change the ratio and may leave the size in CSS pixels alone.
  globalThis.addEventListener('resize', measure)
  return () => {
    observer.disconnect()
    globalThis.removeEventListener('resize', measure)
  }
}
