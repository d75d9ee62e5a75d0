/** Past this an animation frame is not coming: the page is hidden, or its frame is scrolled out of sight. */
const HIDDEN_FRAME_MS = 250

/** Draws once for any number of requests, in the next animation frame; while nothing asks, nothing runs. */
export class DrawLoop {
  readonly #draw: () => boolean
  #frame: number | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #waiting: (() => void)[] = []
  #hasPicture = false

  /** @param draw says whether there is a picture now; `whenDrawn` waits for the first one that is */
  constructor(draw: () => boolean) {
    this.#draw = draw
  }

  request(): void {
    if (this.#frame !== null) return
    this.#frame = requestAnimationFrame(this.now)
    this.#timer = setTimeout(this.now, HIDDEN_FRAME_MS)
  }

  /** Draw at once what was asked for. */
  readonly now = (): void => {
    this.cancel()
    this.#hasPicture = this.#draw()
    if (this.#hasPicture) this.letGo()
  }

  /** Nobody waits any more. */
  letGo(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when a picture shows all that was asked for. */
  drawn(): Promise<void> {
    if (this.#hasPicture && this.#frame === null) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.request()
    })
  }

  cancel(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    this.#frame = null
  }
}
