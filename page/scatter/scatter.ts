import type { Embedding } from '../../protocol/column-frame.ts'
import type { Camera } from '../../protocol/state.ts'
import type { Coloring } from './coloring.ts'
import type { LegendPicture } from './legend-picture.ts'

export type Theme = 'light' | 'dark'

export type ScatterOptions = {
  theme: Theme
  /** after each change of the camera, also by the setter */
  onCamera?(camera: Camera): void
  /** the browser took the graphics context; the picture comes back by itself when the browser gives it back */
  onContextLost?(): void
}

export type HighlightGroup = { color: string; cells: Uint32Array }

/** Cells as points on a canvas. Coordinates in and out are CSS pixels from the canvas's upper left corner. */
export class Scatter {
  camera: Camera = { center: [0, 0], zoom: 1 }
  constructor(_canvas: HTMLCanvasElement, _options: ScatterOptions) {}
  setEmbedding(_embedding: Embedding | null): void {}
  setColor(_coloring: Coloring | null): void {}
  setSelection(_cells: Uint32Array | null): void {}
  setHighlights(_groups: readonly HighlightGroup[]): void {}
  setHidden(_cells: Uint32Array): void {}
  setTheme(_theme: Theme): void {}
  setStyle(_style: { pointSize?: number | null; opacity?: number | null }): void {}
  resetCamera(): void {}
  zoomBy(_factor: number, _at?: [number, number]): void {}
  panBy(_dx: number, _dy: number): void {}
  orbitBy(_dx: number, _dy: number): void {}
  pick(_x: number, _y: number): number | null {
    return null
  }
  cellsInPolygon(_points: readonly (readonly [number, number])[]): Uint32Array {
    return new Uint32Array(0)
  }
  screenPosition(_cell: number): [number, number] | null {
    return null
  }
  toPng(_options: { scale: number; legend: LegendPicture | null; title: string | null }): Promise<Blob> {
    return Promise.reject(new Error('nothing is drawn yet'))
  }
  requestDraw(): void {}
  whenDrawn(): Promise<void> {
    return Promise.resolve()
  }
  dispose(): void {}
}
