import { effect } from '@preact/signals'
import type { Camera } from '../protocol/state.ts'
import { coloringOf } from './coloring-of.ts'
import { Scatter } from './scatter/scatter.ts'
import type { Store } from './store.ts'
import type { PictureControls } from './viewer.ts'

/** The drawing on one canvas. It follows the store; only the camera goes both ways. */
export class Picture implements PictureControls {
  readonly scatter: Scatter
  readonly #stops: (() => void)[]

  /** @throws Error with a sentence where the browser cannot draw */
  constructor(canvas: HTMLCanvasElement, store: Store) {
    const scatter = new Scatter(canvas, {
      theme: store.theme.peek(),
      onCamera: (camera) => {
        store.camera.value = camera
      },
    })
    this.scatter = scatter
    this.#stops = [
      effect(() => scatter.setTheme(store.theme.value)),
      effect(() => scatter.setEmbedding(store.embedding.value)),
      effect(() => scatter.setColor(coloringOf(store))),
      effect(() => scatter.setSelection(store.selection.value.cells)),
      effect(() => {
        scatter.setHighlights([...store.highlights.value].map(([color, cells]) => ({ color, cells })))
      }),
      effect(() => scatter.setHidden(store.masked.value)),
      effect(() => scatter.setStyle({ pointSize: store.pointSize.value, opacity: store.opacity.value })),
    ]
  }

  setCamera(camera: Camera): void {
    this.scatter.camera = camera
  }

  resetCamera(): void {
    this.scatter.resetCamera()
  }

  whenDrawn(): Promise<void> {
    return this.scatter.whenDrawn()
  }

  dispose(): void {
    for (const stop of this.#stops) stop()
    this.scatter.dispose()
  }
}
