import { delay } from './backoff.ts'
import type { Scatter } from './scatter/scatter.ts'

/** Scrolling past is no reason to let go. */
const OUT_OF_SIGHT_MS = 2_000

/**
 * A browser has about 16 graphics contexts for all viewers of a notebook: one out of sight gives its own back, with a
 * picture in its place, and takes it again when it is seen.
 */
export function freezeOutOfSight(canvas: HTMLCanvasElement, scatter: Scatter, signal: AbortSignal): void {
  let change = new AbortController()
  let still: HTMLImageElement | null = null
  const observer = new IntersectionObserver(([entry]) => {
    change.abort()
    change = new AbortController()
    if (entry?.isIntersecting === false) {
      // Seen again in between, or not drawn yet: then it stays as it is.
      freeze(AbortSignal.any([signal, change.signal])).catch(() => undefined)
    } else thaw()
  })
  observer.observe(canvas)
  signal.addEventListener('abort', () => observer.disconnect())

  async function freeze(seen: AbortSignal): Promise<void> {
    await delay(OUT_OF_SIGHT_MS, seen)
    const picture = await scatter.toPng({ scale: 1, legend: null, title: null })
    seen.throwIfAborted()
    still = new Image()
    still.src = URL.createObjectURL(picture)
    still.className = 'still'
    still.alt = ''
    canvas.after(still)
    scatter.release()
  }

  function thaw(): void {
    if (still === null) return
    const shown = still
    still = null
    scatter.restore()
    void scatter.whenDrawn().then(() => {
      URL.revokeObjectURL(shown.src)
      shown.remove()
    })
  }
}
