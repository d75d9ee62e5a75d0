/** The same arrays for all: cells in clusters, sorted by cluster as in most files, and two genes. */
export type BenchData = {
  cellCount: number
  /** (n, 2) row-major, -1 to 1 */
  positions: Float32Array
  /** the same with a third axis, (n, 3) row-major; made when asked for */
  makeDeep(): Float32Array
  /** cluster of each cell */
  codes: Uint8Array<ArrayBuffer>
  colors: readonly string[]
  /** genes with 40 % of the cells above 0, at most 5 */
  genes: readonly [Float32Array, Float32Array]
}

/**
 * One library on an 800 x 600 host. Each method ends when it has handed its work to the graphics card; the bench then
 * waits for the card. An operation that a library does not have is absent.
 */
export interface Contender {
  show(data: BenchData): Promise<void>
  /** Colour by gene 0 or 1. */
  gene(index: 0 | 1): Promise<void>
  /** Show the clusters, one of them in another colour. */
  palette?(): Promise<void>
  /** Draw all cells again with the camera elsewhere, as when it has come to rest. */
  frame(): Promise<void>
  /** Draw while the camera is on its way. */
  moving?(): Promise<void>
  /** Find the cell under a CSS pixel. */
  hover?(x: number, y: number): unknown
  /** Show the embedding of three dimensions in place of the flat one. */
  showDeep?(data: BenchData): Promise<void>
  /** Select inside a polygon of CSS pixels. @returns ascending cells */
  lasso?(corners: readonly (readonly [number, number])[]): Promise<Uint32Array>
}

export type Open = (host: HTMLElement) => Promise<Contender>

export const WIDTH = 800
export const HEIGHT = 600
/** Diameter in CSS pixels, for all. */
export const POINT_SIZE = 2

export function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()))
}

export function canvasIn(host: HTMLElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  canvas.style.cssText = `display: block; width: ${WIDTH}px; height: ${HEIGHT}px`
  host.append(canvas)
  return canvas
}

/** How far a position is from the middle of the canvas, in CSS pixels a unit: the same picture for all. */
export const PIXELS_PER_UNIT = HEIGHT / 2
