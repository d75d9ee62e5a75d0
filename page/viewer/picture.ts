import { effect, untracked } from '@preact/signals'
import type { Camera } from '../../protocol/state.ts'
import { Scatter } from '../scatter/scatter.ts'
import { labelsOf, legendOf } from '../state/picture-content.ts'
import { coloringOf } from '../state/shown-coloring.ts'
import type { Store } from '../state/store.ts'
import type { PictureControls } from './viewer.ts'

export type ImageOptions = { scale: number; format?: 'png' | 'svg'; hasLegend?: boolean }

/** The drawing on one canvas. It follows the store; only the camera goes both ways. */
export class Picture implements PictureControls {
  readonly scatter: Scatter
  readonly #store: Store

  /** @throws Error with a sentence where the browser cannot draw */
  constructor(canvas: HTMLCanvasElement, store: Store) {
    this.#store = store
    const scatter = new Scatter(canvas, {
      theme: store.theme.peek(),
      onCamera: (camera) => {
        store.camera.value = camera
      },
    })
    this.scatter = scatter
    effect(() => scatter.setTheme(store.theme.value))
    effect(() => scatter.setEmbedding(store.embedding.value))
    effect(() => scatter.setColor(coloringOf(store)))
    effect(() => scatter.setSelection(store.selection.value.cells))
    effect(() => {
      scatter.setHighlights([...store.highlights.value].map(([color, cells]) => ({ color, cells })))
    })
    effect(() => scatter.setHidden(store.masked.value))
    effect(() => scatter.setStyle({ pointSize: store.pointSize.value, opacity: store.opacity.value }))
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

  /** The picture with what a figure needs beside the points. @throws Error while there is nothing on screen */
  image({ scale, format = 'png', hasLegend = true }: ImageOptions): Promise<Blob> {
    const content = untracked(() => ({
      scale,
      legend: hasLegend ? legendOf(this.#store) : null,
      title: hasLegend ? (this.#store.identity.value?.name ?? null) : null,
      labels: labelsOf(this.#store),
    }))
    return format === 'svg' ? this.scatter.toSvg(content) : this.scatter.toPng(content)
  }
}
