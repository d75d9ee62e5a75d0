import type { BrowserContext, Frame, Page } from 'playwright-core'
import type { Contender } from './cells.ts'

/** A picture that stands: all that was drawn for it is in the canvas. */
type Picture = { points: number; sentBytes: number; atMs: number }

declare global {
  /** Of every window: tells the bench. */
  var pictureDrawn: (picture: Picture) => void
}

const PICTURE_TIMEOUT_MS = 120_000

/** Hears of the pictures in every frame of a browser. */
export class Pictures {
  readonly #listeners = new Set<(frame: Frame, picture: Picture) => void>()

  static async of(context: BrowserContext): Promise<Pictures> {
    const pictures = new Pictures()
    await context.exposeBinding('pictureDrawn', ({ frame }, picture: Picture) => {
      for (const listener of pictures.#listeners) listener(frame, picture)
    })
    await context.addInitScript(watchPictures)
    return pictures
  }

  /**
   * Wait for the first picture of so many points for which so many bytes were sent to the graphics card since now.
   * @param who the peer draws in the notebook's own window, we in a frame
   * @returns milliseconds since the epoch
   */
  next(page: Page, who: Contender, { points, bytes }: { points: number; bytes: number }): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const sent = new Map<Frame, number>()
    const listen = (frame: Frame, picture: Picture) => {
      if (frame.page() !== page || (frame === page.mainFrame()) !== (who === 'peer')) return
      const total = (sent.get(frame) ?? 0) + picture.sentBytes
      sent.set(frame, total)
      if (picture.points >= points && total >= bytes) resolve(picture.atMs)
    }
    const late = () => reject(new Error(`${who}: no picture of ${points} cells in ${PICTURE_TIMEOUT_MS / 1000} s`))
    const timer = setTimeout(late, PICTURE_TIMEOUT_MS)
    this.#listeners.add(listen)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#listeners.delete(listen)
    })
  }
}

/** Runs in every window before any other script, so it stands alone. A picture counts once the card has drawn it. */
function watchPictures(): void {
  type Gl = WebGLRenderingContext | WebGL2RenderingContext
  let points = 0
  let sentBytes = 0
  let last: Gl | null = null
  const tell = () => {
    const gl = last
    if (gl === null) return
    last = null
    const bound: unknown = gl.getParameter(gl.FRAMEBUFFER_BINDING)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)) // Waits for the card.
    gl.bindFramebuffer(gl.FRAMEBUFFER, bound as WebGLFramebuffer | null)
    globalThis.pictureDrawn({ points, sentBytes, atMs: performance.timeOrigin + performance.now() })
    points = sentBytes = 0
  }
  const watch = (prototype: Gl, name: string, seen: (gl: Gl, given: unknown[]) => void) => {
    const original = prototype[name as keyof Gl] as unknown as (...given: unknown[]) => unknown
    Object.assign(prototype, {
      [name](this: Gl, ...given: unknown[]) {
        seen(this, given)
        return Reflect.apply(original, this, given)
      },
    })
  }
  const draws = (gl: Gl, mode: unknown, count: unknown) => {
    if (mode !== gl.POINTS) return
    points += Number(count)
    if (last === null) requestAnimationFrame(tell)
    last = gl
  }
  for (const prototype of [WebGLRenderingContext.prototype, WebGL2RenderingContext.prototype]) {
    for (const name of ['bufferData', 'bufferSubData', 'texImage2D', 'texSubImage2D']) {
      watch(prototype, name, (_gl, given) => {
        const source = given.find((argument) => ArrayBuffer.isView(argument) || argument instanceof ArrayBuffer)
        if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) sentBytes += source.byteLength
      })
    }
    watch(prototype, 'drawArrays', (gl, [mode, , count]) => draws(gl, mode, count))
    watch(prototype, 'drawElements', (gl, [mode, count]) => draws(gl, mode, count))
  }
}
