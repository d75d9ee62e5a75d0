import { delay } from '../../protocol/delay.ts'
import type { Scatter } from '../scatter/scatter.ts'

/** Scrolling past is no reason to let go. */
const OUT_OF_SIGHT_MS = 2_000

/**
 * A browser has about 16 graphics contexts for all viewers of a notebook: one out of sight gives its own back, with a
 * picture in its place, and takes it again when it is seen.
 * @returns does the same at once, and until the user touches the picture
 */
export function freezeOutOfSight(
  canvas: HTMLCanvasElement,
  scatter: Scatter,
  signal: AbortSignal,
): () => Promise<void> {
  let change = new AbortController()
  let still: HTMLImageElement | null = null
  let isHeld = false
  const observer = new IntersectionObserver(([entry]) => {
    change.abort()
    change = new AbortController()
    if (entry?.isIntersecting === false) {
      // Seen again in between, or not drawn yet: then it stays as it is.
      freeze(OUT_OF_SIGHT_MS, AbortSignal.any([signal, change.signal])).catch(() => undefined)
    } else if (!isHeld) thaw()
  })
  observer.observe(canvas)
  signal.addEventListener('abort', () => observer.disconnect())
  for (const type of ['pointerdown', 'keydown']) canvas.addEventListener(type, thaw, { signal })
  return () => {
    isHeld = true
    return freeze(0, signal)
  }

  async function freeze(afterMs: number, seen: AbortSignal): Promise<void> {
    await delay(afterMs, seen)
    await scatter.whenDrawn() // also where the browser took the context for other viewers
    seen.throwIfAborted()
    const picture = await scatter.toPng({ scale: 1, legend: null, title: null })
    seen.throwIfAborted()
    if (still !== null) return
    still = new Image()
    still.src = URL.createObjectURL(picture)
    still.className = 'still'
    still.alt = ''
    canvas.after(still)
    scatter.release()
  }

  function thaw(): void {
    isHeld = false
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
