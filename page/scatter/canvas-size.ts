/** More device pixels than this a CSS pixel cost time and show nothing. */
const MAX_PIXEL_RATIO = 2

/** A canvas's size in CSS pixels and how many device pixels each is drawn with. */
export type CanvasSize = { width: number; height: number; ratio: number }

/**
 * Follow the size of a canvas, told first at once. It is 0 outside of the document and in a hidden tab.
 * @returns stops following
 */
export function followSize(canvas: HTMLCanvasElement, changed: (size: CanvasSize) => void): () => void {
  const measure = () => {
    const ratio = Math.min(MAX_PIXEL_RATIO, globalThis.devicePixelRatio || 1)
    changed({ width: canvas.clientWidth, height: canvas.clientHeight, ratio })
  }
  const observer = new ResizeObserver(measure)
  measure()
  observer.observe(canvas)
  // Browser zoom and another screen change the ratio and may leave the size in CSS pixels alone.
  globalThis.addEventListener('resize', measure)
  return () => {
    observer.disconnect()
    globalThis.removeEventListener('resize', measure)
  }
}
