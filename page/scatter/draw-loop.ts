/**
 * Past this an animation frame is not coming: the page is hidden, or its frame is scrolled out of sight. A slow card's
 * frames are only late, and to draw before them would make it slower.
 */
const HIDDEN_FRAME_MS = 1_000

/**
 * Draws once for any number of requests. Where no picture was drawn since the last animation frame, as soon as what asks
 * has asked for all: the graphics card has begun before the rest of the page is laid out anew. Else in the next animation
 * frame; where none comes, at once after a rest, and again a second later at the earliest. While nothing asks, nothing
 * runs.
 */
export class DrawLoop {
  readonly #draw: () => boolean
  #isAsked = false
  /** Runs after each drawing. */
  #frame: number | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #waiting: (() => void)[] = []
  #hasPicture = false
  #drawnAt = 0

  /** @param draw says whether there is a picture now; `whenDrawn` waits for the first one that is */
  constructor(draw: () => boolean) {
    this.#draw = draw
  }

  request(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    const isOverdue = performance.now() - this.#drawnAt > HIDDEN_FRAME_MS
    if (this.#frame === null || isOverdue) queueMicrotask(this.#drawIfAsked)
    else this.#timer = setTimeout(this.now, HIDDEN_FRAME_MS)
  }

  /** Draw at once what was asked for. */
  readonly now = (): void => {
    this.cancel()
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null
      this.#drawIfAsked()
    })
    this.#drawnAt = performance.now()
    this.#hasPicture = this.#draw()
    if (this.#hasPicture) this.letGo()
  }

  /** Nobody waits any more. */
  letGo(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when a picture shows all that was asked for. */
  drawn(): Promise<void> {
    if (this.#hasPicture && !this.#isAsked) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.request()
    })
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#isAsked = false
  }

  readonly #drawIfAsked = (): void => {
    if (this.#isAsked) this.now()
  }
}
